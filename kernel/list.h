/* Intrusive doubly linked list: the link lies inside the element, so linking never allocates. */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *previous;
};

#define LIST_INITIAL(name) { &(name), &(name) }
#define LIST_ENTRY(link, type, member) ((type *)((char *)(link) - offsetof(type, member)))
#define LIST_FOREACH(link, head) for (struct list *link = (head)->next; link != (head); link = link->next)
/* The body may unlink or free the element that `link` points to. */
#define LIST_FOREACH_SAFE(link, head)                                                                  \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head); \
         link = link##_next, link##_next = link->next)

static inline void list_init(struct list *head) { head->next = head->previous = head; }
static inline bool list_empty(const struct list *head) { return head->next == head; }

/* Inserts before `position`; with a list head as position, at the end of the list. */
static inline void list_insert(struct list *position, struct list *link)
{
    link->next = position;
    link->previous = position->previous;
    position->previous->next = link;
    position->previous = link;
}

/* Unlinks; the link becomes an empty list, so that a second removal does no harm. */
static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

#endif
