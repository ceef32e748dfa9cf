/* What the cases about init and its processes share. */
#ifndef SUPERVISION_H
#define SUPERVISION_H

#include "tests.h"

#include <init.h>

/* One call of init; reply and handle may be NULL. */
status_t ask_init(uint32_t method, uint32_t word, handle_t attach, uint32_t *reply, handle_t *handle);
/* init's table, brought up to now; NULL: it cannot be had. */
const struct process_table *table(void);
/* The first entry of this name, NULL: there is none. */
const struct process_entry *entry_of(const char *name);
/* Whether a figure of the table becomes the value within a second. */
bool reaches(const volatile uint32_t *figure, uint32_t value);
/* Whether the name is gone from the table within a second. */
bool disappears(const char *name);

#endif
