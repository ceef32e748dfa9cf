/* Kernel memory that a process may cause to be used, in bytes. Pure arithmetic: tested natively in tests/host. */
#ifndef KERNEL_QUOTA_H
#define KERNEL_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct quota {
    uint32_t limit; /* bytes; what was handed to children is taken off */
    uint32_t used;  /* <= limit, always */
};

/* Charges `bytes`; false when that would pass the limit, with nothing changed. */
bool quota_charge(struct quota *quota, uint32_t bytes);
/* Gives back what was charged before. */
void quota_refund(struct quota *quota, uint32_t bytes);
/* Moves `bytes` of unused limit from one quota to another; false when `from` has not that much unused. */
bool quota_transfer(struct quota *from, struct quota *to, uint32_t bytes);

#endif
