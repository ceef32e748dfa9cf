/* A client's memory as the block service uses it. */
#ifndef SESSION_H
#define SESSION_H

#include <server.h>

#include "block.h"

/* The request of this number, in memory that the client may change at any time; NULL: there is none. */
struct block_request *session_request(const session_t *session, uint32_t index);
/* Where a page for data lies: the number of its physical frame, and in our memory. E_BAD_ARGUMENT: it is none (page 0 holds the
 * requests); E_NO_RIGHT: the memory was offered without RIGHT_DMA. */
status_t session_page(const session_t *session, uint32_t page, uint32_t *frame, uint8_t **data);

#endif
