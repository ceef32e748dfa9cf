/* first look */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>
#include <dirent.h>
#include <server.h>

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    char buffer[4096];
    DIR *d = opendir("/");
    struct dirent *e;
    if (!d) print("opendir: %s\n", strerror(errno));
    while (d && (e = readdir(d))) print("  %s\n", e->d_name);
    int f = open("/hello.txt", O_RDONLY);
    int n = f < 0 ? -1 : (int)read(f, buffer, sizeof buffer);
    print("open %d read %d: %s\n", f, n, n < 0 ? strerror(errno) : buffer);
    f = open("/link", O_RDONLY);
    uint32_t sum = 0, total = 0;
    while ((n = (int)read(f, buffer, sizeof buffer)) > 0) { total += n; for (int i = 0; i < n; i++) sum = sum * 31 + (uint8_t)buffer[i]; }
    print("numbers: %u bytes, sum %x\n", total, sum);
    f = open("/tmp/x", O_RDWR | O_CREAT, 0644);
    n = (int)write(f, "abc", 3);
    print("tmp: %d %d\n", f, n);
    f = open("/new", O_RDWR | O_CREAT, 0644);
    n = (int)write(f, "abcdef", 6);
    print("new: %d %d %s\n", f, n, strerror(errno));
    mkdir("/dir", 0755);
    rename("/new", "/dir/old");
    sync();
    machine_exit(0);
}
