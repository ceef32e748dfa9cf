/* Quotas: what is used never passes the limit, nothing wraps, a refusal changes nothing, the sum of two limits stays. */
#include "proof.h"
#include "quota.h"

/*@ predicate sound(struct quota *q) = \valid(q) && q->used <= q->limit; */

/*@ requires sound(quota);
    assigns quota->used;
    ensures sound(quota);
    ensures \result <==> \old(quota->used) + bytes <= quota->limit;
    ensures quota->used == \old(quota->used) + (\result ? bytes : 0); */
bool quota_charge(struct quota *quota, uint32_t bytes);

/*@ requires sound(quota) && bytes <= quota->used;
    assigns quota->used;
    ensures sound(quota);
    ensures quota->used == \old(quota->used) - bytes; */
void quota_refund(struct quota *quota, uint32_t bytes);

/*@ requires sound(from) && sound(to) && \separated(from, to);
    assigns from->limit, to->limit;
    ensures sound(from) && sound(to);
    ensures \result <==> \old(from->limit) - from->used >= bytes && \old(to->limit) + bytes <= UINT32_MAX;
    ensures from->limit == \old(from->limit) - (\result ? bytes : 0);
    ensures to->limit == \old(to->limit) + (\result ? bytes : 0); */
bool quota_transfer(struct quota *from, struct quota *to, uint32_t bytes);

#include "../../kernel/quota.c"
