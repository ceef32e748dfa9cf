/* The shell's own commands: what a child could not do for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <server.h>

#include "shell.h"

static int usage(const char *text)
{
    fprintf(stderr, "usage: %s\n", text);
    return STATUS_USAGE;
}

static int change_folder(const struct command *command)
{
    const char *path = command->count > 1 ? command->words[1] : "/";
    if (command->count > 2)
        return usage("cd [FOLDER]");
    if (chdir(path) == 0)
        return 0;
    fprintf(stderr, "cd: %s: %s\n", path, strerror(errno));
    return 1;
}

static int print_folder(const struct command *command)
{
    char path[LINE_BYTES];
    if (command->count > 1)
        return usage("pwd");
    if (!getcwd(path, sizeof(path)))
        return 1;
    puts(path);
    return 0;
}

void end_machine(int status)
{
    sync();
    fflush(stdout);
    machine_exit((uint32_t)status);
}

static int leave(const struct command *command)
{
    if (command->count > 2)
        return usage("exit [STATUS]");
    end_machine(command->count > 1 ? atoi(command->words[1]) : 0);
    return 0;
}

static int script(const struct command *command)
{
    if (command->count != 2)
        return usage("sh FILE");
    return shell_script(command->words[1]);
}

static int help(const struct command *command)
{
    (void)command;
    puts("The shell's own commands: cd [FOLDER], pwd, sh FILE, exit [STATUS], help.\n"
         "Programs: ls cat cp mv rm mkdir rmdir ln touch echo wc head hexdump sha256sum stat find fill mount umount sync df\n"
         "ps top kill free uptime date dmesg lspci call trace; each knows --help. They lie in /bin; others are started by\n"
         "their path.\n"
         "A line: program words > file  >> file  < file   first | second   first ; second   program &   # comment");
    return 0;
}

static const struct {
    const char *name;
    int (*run)(const struct command *command);
} builtins[] = {
    { "cd", change_folder }, { "pwd", print_folder }, { "exit", leave }, { "sh", script }, { ".", script }, { "help", help },
};

static int find(const struct command *command)
{
    int i = (int)(sizeof(builtins) / sizeof(builtins[0])) - 1;
    while (i >= 0 && strcmp(builtins[i].name, command->words[0]) != 0)
        i--;
    return i;
}

bool builtin_knows(const struct command *command)
{
    return find(command) >= 0;
}

int builtin_run(const struct command *command)
{
    return builtins[find(command)].run(command);
}
