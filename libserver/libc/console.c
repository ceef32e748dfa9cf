/* The console as a file: lines come in, text goes out; to the kernel log where no console service is in reach. */
#include <servers/console/console.h>

#include "files.h"

#define LOG_PIECE 128u

enum { SLOT_READ, SLOT_WRITE, SLOTS };

static struct connection console = { .service = "console", .slots = SLOTS, .slot_size = CONSOLE_SLOT };

/* A thread may wait for a line while others write. */
static struct {
    struct lock lock;
    uint32_t length, taken; /* of the line that is in the slot */
} input;
static struct lock output_lock;

void libc_console_init(void)
{
    libc_lock_make(&console.lock);
    libc_lock_make(&input.lock);
    libc_lock_make(&output_lock);
}

/* ---- input ---- */

static status_t fetch_line(void)
{
    uint32_t length = 0;
    status_t status = connection_repeat(&console, CONSOLE_READ_LINE, SLOT_READ, &length);
    input.length = length < CONSOLE_SLOT ? length : CONSOLE_SLOT;
    input.taken = 0;
    return status;
}

static ssize_t take_input(void *bytes, size_t length)
{
    status_t status = input.taken == input.length ? fetch_line() : OK;
    if (status != OK)
        return libc_result(status);
    if (length > input.length - input.taken)
        length = input.length - input.taken;
    memcpy(bytes, (uint8_t *)session_slot(&console.session, SLOT_READ) + input.taken, length);
    input.taken += length;
    return (ssize_t)length;
}

ssize_t libc_console_read(void *bytes, size_t length)
{
    status_t status = connection_open(&console);
    if (status != OK)
        return libc_result(status);
    lock_acquire(&input.lock);
    ssize_t taken = take_input(bytes, length);
    lock_release(&input.lock);
    return taken;
}

/* ---- output ---- */

static status_t put_piece(const uint8_t *bytes, uint32_t length)
{
    memcpy(session_slot(&console.session, SLOT_WRITE), bytes, length);
    return connection_repeat(&console, CONSOLE_WRITE, SLOT_WRITE | length << 16, NULL);
}

static status_t log_piece(const uint8_t *bytes, uint32_t length)
{
    char text[LOG_PIECE + 1];
    memcpy(text, bytes, length);
    text[length] = '\0';
    print("%s", text);
    return OK;
}

static status_t put(const uint8_t *bytes, size_t length, uint32_t most, status_t (*put_some)(const uint8_t *, uint32_t))
{
    status_t status = OK;
    for (size_t done = 0; status == OK && done < length; done += most)
        status = put_some(bytes + done, length - done < most ? length - done : most);
    return status;
}

ssize_t libc_console_write(const void *bytes, size_t length)
{
    status_t status = connection_open(&console);
    lock_acquire(&output_lock);
    if (status == OK)
        status = put(bytes, length, CONSOLE_SLOT, put_piece);
    else
        status = put(bytes, length, LOG_PIECE, log_piece);
    lock_release(&output_lock);
    return status == OK ? (ssize_t)length : libc_result(status);
}
