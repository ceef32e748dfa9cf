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
enum parsed { PARSED_END, PARSED_COMMAND, PARSED_WRONG };
/* Takes the next command off the line, which it writes to. PARSED_WRONG, after a message: it makes no sense. */
enum parsed parse_command(char **line, struct command *command);

/* ---- run.c ---- */
void run_init(void);
void run_ask_for_interrupts(void);
/* Runs a program and waits for its end, unless `background`. Returns its exit status. */
int run_program(const struct command *command, const char *input, const char *output, bool background);
/* Says which programs of the background have ended. */
void run_report_ended(void);

/* ---- builtin.c ---- */
/* Whether it is one of the shell's own commands; its exit status. */
bool builtin_knows(const struct command *command);
int builtin_run(const struct command *command);
void end_machine(int status);

/* ---- main.c ---- */
/* Runs the commands of a line; returns the status of the last, or `status` when there is none. */
int shell_line(char *line, int status);
int shell_script(const char *path);

#endif
