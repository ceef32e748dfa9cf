/* Arithmetic of quotas: what is used never passes the limit, and nothing wraps. */
#include "quota.h"

#include "log.h"

bool quota_charge(struct quota *quota, uint32_t bytes)
{
    if (bytes > quota->limit - quota->used)
        return false;
    quota->used += bytes;
    return true;
}

void quota_refund(struct quota *quota, uint32_t bytes)
{
    assert(bytes <= quota->used);
    quota->used -= bytes;
}

bool quota_transfer(struct quota *from, struct quota *to, uint32_t bytes)
{
    if (bytes > from->limit - from->used || bytes > UINT32_MAX - to->limit)
        return false;
    from->limit -= bytes;
    to->limit += bytes;
    return true;
}
