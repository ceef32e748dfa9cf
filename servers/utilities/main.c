/* The utilities: which command is meant, and its help. */
#include <stdio.h>
#include <string.h>

#include <server.h>

#include "utilities.h"

struct command {
    const char *name;
    int (*run)(int count, char **arguments);
    const char *usage, *help;
};

static const struct command commands[] = {
    { "call", call_main, "call SERVICE METHOD [WORD]",
      "calls a method of a service, by its number, and prints the DWORD that comes back" },
    { "cat", cat_main, "cat [FILE ...]", "prints files" },
    { "cp", cp_main, "cp [-r] FROM ... TO", "copies files; with -r, folders with all that is in them" },
    { "date", date_main, "date", "prints date and time, in UTC" },
    { "df", df_main, "df", "shows how full the mounted file systems are" },
    { "dmesg", dmesg_main, "dmesg", "prints what the services have said" },
    { "echo", echo_main, "echo [WORD ...]", "prints words" },
    { "fill", fill_main, "fill FILE BYTES SEED", "writes a file of numbers that follow from the seed" },
    { "find", find_main, "find [PATH ...]", "prints the names of everything below" },
    { "free", free_main, "free", "shows how much memory is free" },
    { "head", head_main, "head [-n LINES] [FILE ...]", "prints the first lines, 10 if not told" },
    { "hexdump", hexdump_main, "hexdump [-C] [FILE]", "prints bytes in hexadecimal and as text" },
    { "kill", kill_main, "kill NUMBER ...", "ends programs by their numbers, as ps shows them" },
    { "ln", ln_main, "ln [-s] FROM TO", "gives a file a second name; with -s, makes a symbolic link" },
    { "ls", ls_main, "ls [-laR] [PATH ...]", "lists folders: -l in full, -a hidden names too, -R what is below" },
    { "lspci", lspci_main, "lspci", "lists the devices on the PCI buses" },
    { "mkdir", mkdir_main, "mkdir [-p] FOLDER ...", "makes folders; with -p, those above them too" },
    { "mount", mount_main, "mount [-r] [TYPE:SOURCE FOLDER]", "mounts (such as ext2:disk0p1; -r: read-only), or lists mounts" },
    { "mv", mv_main, "mv FROM ... TO", "gives files other names or places" },
    { "ps", ps_main, "ps", "lists services and programs" },
    { "rm", rm_main, "rm [-rf] FILE ...", "removes files; with -r, folders too; -f: no complaint about what is not there" },
    { "rmdir", rmdir_main, "rmdir FOLDER ...", "removes empty folders" },
    { "sha256sum", sha256sum_main, "sha256sum [-rc] [FILE ...]", "prints SHA-256 sums; -r of whole folders, -c checks a list" },
    { "stat", stat_main, "stat PATH ...", "shows what is known of files" },
    { "sync", sync_main, "sync", "returns when everything written is on the disks" },
    { "top", top_main, "top [-n TIMES]", "shows every second what services and programs do; q ends it" },
    { "touch", touch_main, "touch FILE ...", "makes empty files, or sets their times to now" },
    { "trace", trace_main, "trace COMMAND [WORD ...] | trace -s SECONDS",
      "records calls, switches, interrupts: for tools/trace" },
    { "umount", umount_main, "umount FOLDER ...", "unmounts file systems" },
    { "uptime", uptime_main, "uptime", "shows how long the machine has been up" },
    { "wc", wc_main, "wc [FILE ...]", "counts lines, words and bytes" },
};

static const struct command *running;

int usage(void)
{
    fprintf(stderr, "usage: %s\n", running->usage);
    return 2;
}

const char *command_name(void)
{
    return running->name;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int count, char **arguments)
{
    const char *name = last_part(arguments[0]);
    for (uint32_t i = 0; i < COUNT(commands) && !running; i++)
        if (strcmp(commands[i].name, name) == 0)
            running = &commands[i];
    if (!running) {
        fprintf(stderr, "%s: there is no such command\n", name);
        return 127;
    }
    if (count == 2 && strcmp(arguments[1], "--help") == 0) {
        printf("usage: %s\n%s\n", running->usage, running->help);
        return 0;
    }
    int status = running->run(count - 1, arguments + 1);
    return fflush(stdout) == 0 ? status : complain("standard output");
}
