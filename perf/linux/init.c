/* init of the Linux that is compared: loads the modules, mounts the disk as root, runs the benchmark, ends the machine. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define EXIT_PORT 0xF4 /* QEMU's isa-debug-exit, as tools/boot.py sets it up */

/* The last line is that of Postern's init, by which tools/boot.py knows an end with code 0. */
static _Noreturn void machine_exit(int code)
{
    printf("machine exit: code %d\n", code);
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
    if (iopl(3) == 0)
        outb((unsigned char)code, EXIT_PORT);
    for (;;)
        pause();
}

static void must(int good, const char *what)
{
    if (good)
        return;
    printf("init: %s failed: %s\n", what, strerror(errno));
    machine_exit(1);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* initramfs.py numbers them in the order of their dependencies. */
static void load_modules(void)
{
    struct dirent **entries;
    int count = scandir(".", &entries, not_hidden, alphasort);
    must(count >= 0, "the folder of modules");
    for (int i = 0; i < count; i++) {
        int file = open(entries[i]->d_name, O_RDONLY | O_CLOEXEC);
        must(file >= 0 && syscall(SYS_finit_module, file, "", 0) == 0, entries[i]->d_name);
        close(file);
    }
}

/* The benchmark sees the disk as its root, as on Postern; its program file lies outside. */
static int run_benchmark(void)
{
    char *const arguments[] = { "files", NULL }, *const environment[] = { NULL };
    int program = open("/files", O_RDONLY | O_CLOEXEC), status;
    must(program >= 0, "/files");
    pid_t child = fork();
    if (child == 0) {
        must(chroot("/disk") == 0 && chdir("/") == 0, "/disk as root");
        fexecve(program, arguments, environment);
        must(0, "running /files");
    }
    must(child > 0 && waitpid(child, &status, 0) == child, "waiting for /files");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
    must(mount("dev", "/dev", "devtmpfs", 0, "") == 0, "mounting /dev");
    must(chdir("/modules") == 0, "/modules");
    load_modules();
    must(mount("/dev/vda", "/disk", "ext2", 0, "") == 0, "mounting the disk");
    machine_exit(run_benchmark());
}
