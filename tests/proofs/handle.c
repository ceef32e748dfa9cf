/* The handle table, with SIZE entries: a look-up reads inside the largest there may be, and finds the entry that holds this
 * very handle or none; an insert takes one that was never used or the first free one, fills it whole and counts it, or changes
 * nothing. */
#include "proof.h"
#include "handle.h"

/*@ predicate is_size(integer count) = count == SIZE;
    predicate inside(struct handle_table *t) =
        is_size(t->count) && \valid(t) && \valid(t->entries + (0 .. t->count - 1)) &&
        \separated(t, t->entries + (0 .. t->count - 1)) && t->first_free < t->count && 0 < t->fresh <= t->count;
    predicate chained(struct handle_table *t) = \forall integer i; 0 <= i < t->count ==> t->entries[i].next_free < t->count;
    logic integer next(struct handle_table *t) = t->fresh < t->count ? t->fresh : t->first_free; */

/* The one fact of arithmetic that is taken for granted: the provers know little of bits. */
/*@ axiomatic bits { axiom mask: \forall integer h; 0 <= h ==> 0 <= ((h & 0x7FE0) >> 5) < 1024; } */

/*@ requires \valid_read(table);
    requires \forall integer h; 0 <= h ==> \valid_read(table->entries + ((h & 0x7FE0) >> 5));
    assigns \nothing;
    ensures found: \result != \null ==> \result->value == handle && handle != HANDLE_FREE;
    ensures inside: \result != \null ==> \result == table->entries + ((handle & 0x7FE0) >> 5);
    ensures inside: 0 <= ((handle & 0x7FE0) >> 5) < 1024;
    ensures complete: \result == \null ==> handle == HANDLE_FREE || table->entries[(handle & 0x7FE0) >> 5].value != handle; */
struct handle_entry *handle_find(const struct handle_table *table, handle_t handle);

/*@ requires inside(table) && chained(table);
    assigns table->first_free, table->fresh;
    ensures inside(table);
    ensures next: \result == \old(next(table)) && \result < table->count;
    ensures fresh: \old(table->fresh) < table->count ==> table->fresh == \old(table->fresh) + 1 &&
            table->first_free == \old(table->first_free);
    ensures free: \old(table->fresh) == table->count ==> table->fresh == \old(table->fresh) &&
            table->first_free == table->entries[\old(table->first_free)].next_free; */
static uint32_t take_free(struct handle_table *table);

/*@ requires inside(table) && chained(table) && table->used < table->count;
    assigns table->first_free, table->fresh, table->used, table->entries[next(table)];
    ensures inside(table);
    ensures full: \result == HANDLE_NONE ==> \old(next(table)) == 0 || \result == table->entries[\old(next(table))].value;
    ensures full: \old(next(table)) == 0 ==> \result == HANDLE_NONE && table->used == \old(table->used);
    ensures taken: \old(next(table)) != 0 ==> table->used == \old(table->used) + 1 &&
            table->entries[\old(next(table))].value == \result && table->entries[\old(next(table))].object == object &&
            table->entries[\old(next(table))].rights == rights && table->entries[\old(next(table))].badge == badge &&
            table->entries[\old(next(table))].endpoint == callable; */
handle_t handle_insert(struct handle_table *table, struct object *object, uint32_t rights, uint32_t badge,
                       struct endpoint *callable);

#include "../../kernel/handle.c"
