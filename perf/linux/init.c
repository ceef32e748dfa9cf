/* init of the Linux that is compared: runs the program that the kernel's command line names behind "--", ends the machine.
 *
 * An initramfs with modules is for a program that wants the disk: they are loaded, and the disk becomes its root. */
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

static const char *mount_disk(void)
{
    must(chdir("/modules") == 0, "/modules");
    load_modules();
    must(chdir("/") == 0, "/");
    must(mount("/dev/vda", "/disk", "ext2", 0, "") == 0, "mounting the disk");
    return "/disk";
}

/* The program file lies outside its root. */
static int run_program(char **arguments, const char *root)
{
    char *const environment[] = { NULL };
    int program = open(arguments[0], O_RDONLY | O_CLOEXEC), status;
    must(program >= 0, arguments[0]);
    pid_t child = fork();
    if (child == 0) {
        must(chroot(root) == 0 && chdir("/") == 0, root);
        fexecve(program, arguments, environment);
        must(0, arguments[0]);
    }
    must(child > 0 && waitpid(child, &status, 0) == child, "waiting for the program");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int count, char **arguments)
{
    must(count > 1, "finding a program behind -- on the kernel's command line");
    must(mount("dev", "/dev", "devtmpfs", 0, "") == 0, "mounting /dev");
    const char *root = access("/modules", F_OK) == 0 ? mount_disk() : "/";
    machine_exit(run_program(arguments + 1, root));
}
