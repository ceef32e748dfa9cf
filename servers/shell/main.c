/* shell: reads lines and runs programs. script=/path in the system list runs that file, then ends the machine with the status of
 * its last command; so does the end of input. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <server.h>

#include "shell.h"

#define PIPE "/tmp/.pipe-%d"    /* the programs of a pipe run one after the other, through files */

static int depth;               /* of scripts that run scripts */

static int open_output(const struct command *command, const char *output)
{
    int file = open(output, O_WRONLY | O_CREAT | (command->append ? O_APPEND : O_TRUNC), 0666);
    if (file < 0)
        fprintf(stderr, "shell: %s: %s\n", output, strerror(errno));
    return file;
}

/* The shell's own commands write where they are told, too. */
static int run_own(const struct command *command, const char *output)
{
    int file = output ? open_output(command, output) : -1, console = output ? dup(STDOUT_FILENO) : -1;
    if (output && file < 0)
        return 1;
    fflush(stdout);
    if (output)
        dup2(file, STDOUT_FILENO);
    int status = builtin_run(command);
    fflush(stdout);
    if (output) {
        dup2(console, STDOUT_FILENO);
        close(console);
        close(file);
    }
    return status;
}

static int run(const struct command *command, const char *input, const char *output)
{
    if (builtin_knows(command))
        return run_own(command, output);
    fflush(stdout);
    return run_program(command, input, output, command->follows == '&');
}

/* One command and all that is piped behind it. */
static int run_pipe(char **line, struct command *command)
{
    char names[2][32];
    const char *input = command->input;
    int status = 0;
    for (int i = 0;; i++) {
        bool piped = command->follows == '|';
        snprintf(names[i % 2], sizeof(names[0]), PIPE, i % 2);
        status = run(command, input, piped ? names[i % 2] : command->output);
        if (i > 0)
            unlink(names[(i + 1) % 2]);
        if (!piped)
            return status;
        input = names[i % 2];
        if (parse_command(line, command) != PARSED_COMMAND) {
            unlink(input);
            return STATUS_USAGE;
        }
    }
}

int shell_line(char *line, int status)
{
    struct command command;
    enum parsed parsed;
    while ((parsed = parse_command(&line, &command)) == PARSED_COMMAND)
        status = run_pipe(&line, &command);
    return parsed == PARSED_WRONG ? STATUS_USAGE : status;
}

int shell_script(const char *path)
{
    char line[LINE_BYTES];
    int status = 0;
    FILE *file = fopen(path, "r");
    if (!file || depth > 8) {
        fprintf(stderr, "sh: %s: %s\n", path, file ? "scripts are nested too deep" : strerror(errno));
        return STATUS_NOT_FOUND;
    }
    depth++;
    while (fgets(line, sizeof(line), file))
        status = shell_line(line, status);
    depth--;
    fclose(file);
    return status;
}

static unsigned fact(uint32_t which)
{
    uint32_t value = 0;
    system_info(which, &value);
    return (unsigned)value;
}

static void greet(void)
{
    printf("\nPostern: %u processes, %u MiB of %u free, up after %u ms. help lists the commands.\n", fact(INFO_PROCESSES_ALIVE),
           fact(INFO_FRAMES_FREE) / 256, fact(INFO_FRAMES_TOTAL) / 256, fact(INFO_UPTIME_MS));
}

/* False at the end of input. A line that Ctrl-C ended is an empty one. */
static bool read_line(char line[LINE_BYTES])
{
    char path[LINE_BYTES];
    run_report_ended();
    run_ask_for_interrupts();
    printf("%s$ ", getcwd(path, sizeof(path)) ? path : "?");
    fflush(stdout);
    errno = 0;
    if (fgets(line, LINE_BYTES, stdin))
        return true;
    clearerr(stdin);
    line[0] = '\0';
    return errno == EINTR;
}

int main(void)
{
    char line[LINE_BYTES];
    const char *script = argument("script");
    run_init();
    if (script)
        end_machine(shell_script(script));
    greet();
    while (read_line(line))
        shell_line(line, 0);
    end_machine(0);
    return 0;
}
