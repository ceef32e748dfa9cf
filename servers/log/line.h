/* A line of the log: "[ 12.345678] name: text". */
#ifndef LINE_H
#define LINE_H

#include <server.h>

#define LINE_TEXT 160u                  /* of a client, in one line */

struct line {
    uint32_t length;
    char text[LINE_TEXT + 64];          /* with the \n, and a 0 */
};

/* Microseconds since the machine was started. */
uint64_t line_time(void);
/* Characters that would do something to a terminal become '?'. */
void line_make(struct line *line, uint64_t time, const char *name, const char *text, uint32_t length);

#endif
