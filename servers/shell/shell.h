/* The shell: what its files tell each other. */
#ifndef SHELL_H
#define SHELL_H

#include <stdbool.h>

#define WORDS_MAX 64
#define LINE_BYTES 1024
#define STATUS_NOT_FOUND 127
#define STATUS_USAGE 2

struct command {                /* one program, or one of the shell's own commands */
    char *words[WORDS_MAX + 1]; /* ended by NULL */
    int count;
    const char *input, *output; /* redirections; NULL: none */
    bool append;
    char follows;               /* what stands behind it: | & ; or 0 */
};

/* ---- parse.c ---- */
/* Takes the next command off the line, which it writes to; false at the end of it, or with a message when it makes no sense. */
bool parse_command(char **line, struct command *command);

/* ---- run.c ---- */
void run_init(void);
void run_ask_for_interrupts(void);
/* Runs a program and waits for its end, unless `background`. Returns its exit status. */
int run_program(const struct command *command, const char *input, const char *output, bool background);
/* Says which programs of the background have ended. */
void run_report_ended(void);

/* ---- builtin.c ---- */
/* True when it was one of the shell's own commands; *status is its exit status. */
bool builtin_run(const struct command *command, int *status);
void end_machine(int status);

/* ---- main.c ---- */
/* Runs the commands of a line; returns the status of the last. */
int shell_line(char *line);
int shell_script(const char *path);

#endif
