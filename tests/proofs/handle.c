/* The handle table, with SIZE entries: a look-up reads inside it, and finds the entry that holds this very handle or none; an
 * insert takes the first free slot, fills it whole and counts it, or changes nothing. */
#include "proof.h"
#include "handle.h"

/*@ predicate is_size(integer count) = count == SIZE;
    predicate inside(struct handle_table *t) =
        is_size(t->count) && \valid(t) && \valid(t->entries + (0 .. t->count - 1)) &&
        \separated(t, t->entries + (0 .. t->count - 1)) && t->first_free < t->count;
    predicate chained(struct handle_table *t) = \forall integer i; 0 <= i < t->count ==> t->entries[i].next_free < t->count; */

/* The one fact of arithmetic that is taken for granted: the provers know little of bits. */
/*@ axiomatic bits { axiom mask: \forall integer h; 0 <= h ==> 0 <= ((h & ((SIZE - 1) * 32)) >> 5) < SIZE; } */

/*@ requires \valid_read(table) && table->count == SIZE;
    assigns \nothing;
    ensures \result == (SIZE - 1) * 32; */
static inline uint32_t handle_mask(const struct handle_table *table);

/*@ requires table->count == SIZE && \valid_read(table);
    requires \forall integer h; 0 <= h ==> \valid_read(table->entries + ((h & ((SIZE - 1) * 32)) >> 5));
    assigns \nothing;
    ensures found: \result != \null ==> \result->value == handle && handle != HANDLE_FREE;
    ensures inside: \result != \null ==> \result == table->entries + ((handle & ((SIZE - 1) * 32)) >> 5);
    ensures inside: 0 <= ((handle & ((SIZE - 1) * 32)) >> 5) < SIZE;
    ensures complete: \result == \null ==> handle == HANDLE_FREE ||
            table->entries[(handle & ((SIZE - 1) * 32)) >> 5].value != handle; */
struct handle_entry *handle_find(const struct handle_table *table, handle_t handle);

/*@ requires inside(table) && chained(table) && table->used < table->count;
    assigns table->first_free, table->used, table->entries[table->first_free];
    ensures inside(table);
    ensures full: \result == HANDLE_NONE ==> \old(table->first_free) == 0 ||
            \result == table->entries[\old(table->first_free)].value;
    ensures full: \old(table->first_free) == 0 ==> \result == HANDLE_NONE && table->used == \old(table->used);
    ensures taken: \old(table->first_free) != 0 ==> table->used == \old(table->used) + 1 &&
            table->first_free == \old(table->entries[table->first_free].next_free) &&
            table->entries[\old(table->first_free)].value == \result &&
            table->entries[\old(table->first_free)].object == object &&
            table->entries[\old(table->first_free)].rights == rights && table->entries[\old(table->first_free)].badge == badge &&
            table->entries[\old(table->first_free)].endpoint == callable; */
handle_t handle_insert(struct handle_table *table, struct object *object, uint32_t rights, uint32_t badge,
                       struct endpoint *callable);

#include "../../kernel/handle.c"
