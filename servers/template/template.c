/* template: keeps a sum, to which its clients add. */
#include "template.h"

static struct lock sum_lock; /* guards the next; there are several workers */
static uint32_t sum;

static reply_t serve_template_sum(const request_t *rq)
{
    (void)rq;
    return reply(sum);
}

static reply_t serve_template_add(const request_t *rq)
{
    lock_acquire(&sum_lock);
    bool fits = rq->word <= UINT32_MAX - sum;
    if (fits)
        sum += rq->word;
    uint32_t now = sum;
    lock_release(&sum_lock);
    return fits ? reply(now) : reply_error(E_BAD_ARGUMENT);
}

static const method_t methods[] = METHODS_TABLE(TEMPLATE_METHODS);

int main(void)
{
    status_t status = lock_init(&sum_lock);
    if (status != OK)
        return status;
    return server_run(NULL, methods, COUNT(methods), .count_calls = true);
}
