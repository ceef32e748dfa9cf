/* console: one screen and keyboard for all, shown on VGA text and on the serial line at once.
 *
 * One thread takes what is typed, from both; readers are workers that wait for it, one at a time. */
#include <init.h>

#include "internal.h"

#define SERIAL_BIT 1u
#define KEYBOARD_BIT 2u
#define TYPED_BIT 1u
#define KEYS 256u               /* typed ahead */
#define LOOK_AGAIN 200000u      /* microseconds: how soon a reader sees that its client has gone */
#define INTERRUPT_PAUSE 10000u  /* microseconds */
#define INTERRUPT_LOOKS 20u
#define SCROLL_LINES 20
#define WORKERS 6
#define INTERRUPT_PRIORITY 20
#define STATUS_KEY CONTROL('t')
#define ANSWER_WITHIN 1000000u  /* microseconds */
#define NOT_TOLD ": init does not say who waits for whom\n"

static struct lock output_lock, input_lock, reader_lock;
static handle_t devices, typed, interrupt_notification;
static uint32_t keys[KEYS], first_key, key_count;
static bool reading;
static uint32_t interrupt_badge;    /* who gets the notification */

/* ---- output ---- */

static void show(const char *text, uint32_t bytes)
{
    lock_acquire(&output_lock);
    serial_write(text, bytes);
    screen_write(text, bytes);
    lock_release(&output_lock);
}

/* ---- input ---- */

static void scroll(int lines)
{
    lock_acquire(&output_lock);
    screen_scroll(lines);
    lock_release(&output_lock);
}

/* No program and no service but init is needed for it: whatever hangs, this tells why. */
static void show_waits(void)
{
    uint32_t bytes, pages;
    handle_t memory = HANDLE_NONE;
    void *text;
    status_t status = service_call_full(init_endpoint(), INIT_WAITS, 0, ANSWER_WITHIN, HANDLE_NONE, &bytes, &memory);
    if (status == OK)
        status = memory_given(memory, &pages);
    if (status == OK)
        status = pages_map(memory, pages, PROTECT_READ, &text);
    show("^T\n", 3);
    if (status == OK) {
        show(text, bytes);
        pages_unmap(text, pages);
    } else {
        show(status_text(status), strlen(status_text(status)));
        show(NOT_TOLD, strlen(NOT_TOLD));
    }
    if (memory != HANDLE_NONE)
        handle_close(memory);
}

static void push(uint32_t key)
{
    lock_acquire(&input_lock);
    bool interrupts = key == CONTROL('c') && !reading && interrupt_notification != HANDLE_NONE;
    if (interrupts) {
        key_count = 0; /* what was typed ahead was meant for what ends now */
        notification_signal(interrupt_notification, 1);
    } else if (key_count < KEYS) {
        keys[(first_key + key_count++) % KEYS] = key;
    }
    lock_release(&input_lock);
    if (interrupts)
        show("^C\n", 3);
    else
        notification_signal(typed, TYPED_BIT);
}

static void take_key(uint32_t key)
{
    if (key == STATUS_KEY)
        show_waits();
    else if (key == KEY_SCROLL_UP)
        scroll(SCROLL_LINES);
    else if (key == KEY_SCROLL_DOWN)
        scroll(-SCROLL_LINES);
    else
        push(key);
}

static bool pop(uint32_t *key)
{
    lock_acquire(&input_lock);
    bool there = key_count > 0;
    if (there) {
        *key = keys[first_key];
        first_key = (first_key + 1) % KEYS;
        key_count--;
    }
    lock_release(&input_lock);
    return there;
}

static void take_input(void *unused)
{
    uint32_t bits;
    (void)unused;
    for (;;) {
        notification_wait(devices, SERIAL_BIT | KEYBOARD_BIT, TIMEOUT_NEVER, &bits);
        serial_take(take_key);
        keyboard_take(take_key);
        for (uint32_t i = 0; startup_handle_at("irq", i) != HANDLE_NONE; i++)
            irq_ack(startup_handle_at("irq", i));
    }
}

/* ---- readers ---- */

static void set_reading(bool now)
{
    lock_acquire(&input_lock);
    reading = now;
    lock_release(&input_lock);
}

/* Waits for a key, in microseconds; E_TIMED_OUT, or E_PEER_DIED when nobody waits for it any more. */
static status_t wait_for_key(uint32_t most, uint32_t *key)
{
    uint32_t bits;
    while (!pop(key)) {
        uint32_t part = most < LOOK_AGAIN ? most : LOOK_AGAIN;
        if (part == 0)
            return E_TIMED_OUT;
        notification_wait(typed, TYPED_BIT, part, &bits);
        if (request_cancelled())
            return E_PEER_DIED;
        most -= most == TIMEOUT_NEVER ? 0 : part;
    }
    return OK;
}

static status_t read_line(struct line *line)
{
    enum line_event event = LINE_GOES_ON;
    uint32_t key;
    line_begin(line, show);
    while (event == LINE_GOES_ON) {
        status_t status = wait_for_key(TIMEOUT_NEVER, &key);
        if (status != OK)
            return status;
        event = line_key(line, key);
    }
    if (event == LINE_DONE)
        line->text[line->length++] = '\n';
    else
        line->length = 0;
    return event == LINE_CANCELLED ? E_CANCELLED : OK;
}

/* ---- methods ---- */

static reply_t serve_console_write(const request_t *rq)
{
    session_t *session = session_hold(rq);
    if (!session)
        return reply_error(E_BAD_STATE);
    const char *text = session_slot(session, rq->word & 0xFFFF);
    uint32_t bytes = rq->word >> 16;
    bool good = text && bytes <= session->slot_size;
    if (good)
        show(text, bytes);
    session_release(session);
    return reply_error(good ? OK : E_BAD_ARGUMENT);
}

/* Whoever asked for interrupts decides whether the reader ends; only if it does not, it sees an interrupted line. */
static void interrupt_reader(void)
{
    notification_signal(interrupt_notification, 1);
    for (uint32_t i = 0; i < INTERRUPT_LOOKS && !request_cancelled(); i++)
        sleep_microseconds(INTERRUPT_PAUSE);
}

static reply_t serve_console_read_line(const request_t *rq)
{
    static struct line line;
    session_t *session = session_hold(rq);
    if (!session)
        return reply_error(E_BAD_STATE);
    char *to = session_slot(session, rq->word);
    status_t status = to && session->slot_size >= CONSOLE_SLOT ? OK : E_BAD_ARGUMENT;
    uint32_t bytes = 0;
    if (status == OK) {
        lock_acquire(&reader_lock);
        set_reading(true);
        status = read_line(&line);
        set_reading(false);
        if (status == E_CANCELLED && rq->badge != interrupt_badge)
            interrupt_reader();
        bytes = line.length;
        if (status == OK)
            memcpy(to, line.text, bytes);
        lock_release(&reader_lock);
    }
    session_release(session);
    return status == OK ? reply(bytes) : reply_error(status);
}

static reply_t serve_console_read_key(const request_t *rq)
{
    uint32_t key = 0;
    lock_acquire(&reader_lock);
    status_t status = wait_for_key(rq->word > TIMEOUT_NEVER / 1000 ? TIMEOUT_NEVER : rq->word * 1000, &key);
    lock_release(&reader_lock);
    return status == OK ? reply(key) : reply_error(status);
}

static reply_t serve_console_size(const request_t *rq)
{
    (void)rq;
    return reply(COLUMNS << 16 | ROWS);
}

static reply_t serve_console_notify(const request_t *rq)
{
    lock_acquire(&input_lock);
    handle_t old = interrupt_notification;
    interrupt_notification = rq->handle;
    interrupt_badge = rq->badge;
    lock_release(&input_lock);
    if (old != HANDLE_NONE)
        handle_close(old);
    return reply(0);
}

static const method_t methods[] = METHODS_TABLE(CONSOLE_METHODS);

/* ---- start ---- */

static status_t start_input(void)
{
    handle_t thread;
    status_t status = thread_spawn(take_input, NULL, INTERRUPT_PRIORITY, &thread);
    if (status == OK)
        handle_close(thread);
    for (uint32_t i = 0; status == OK && startup_handle_at("irq", i) != HANDLE_NONE; i++)
        status = irq_bind(startup_handle_at("irq", i), devices, SERIAL_BIT << i);
    return status;
}

static status_t start(void)
{
    status_t status = lock_init(&output_lock);
    if (status == OK)
        status = lock_init(&input_lock);
    if (status == OK)
        status = lock_init(&reader_lock);
    if (status == OK)
        status = notification_create(&devices);
    if (status == OK)
        status = notification_create(&typed);
    if (status != OK)
        return status;
    serial_start();
    keyboard_start();
    screen_start();
    return start_input();
}

int main(void)
{
    status_t status = start();
    if (status != OK) {
        print("console: cannot start: %s\n", status_text(status));
        return status;
    }
    return server_run(NULL, methods, COUNT(methods), .workers = WORKERS, .count_calls = true,
                      .handles = METHODS_HANDLES(CONSOLE_METHODS));
}
