/* log: keeps what each service prints, with its name and the time, and shows it on the kernel's log. */
#include "log.h"

#include <init.h>

#include "line.h"

#define ENTRIES 512u            /* that are kept; entry n lies at n % ENTRIES */
#define CLIENTS 64u             /* as many as a service has sessions */
#define WORKERS 4u
#define STACK_BYTES 12288u      /* a slot is copied there, because its client may change it */

struct client {                 /* of a session: the line that is not complete yet */
    uint32_t badge;             /* 0: free */
    char name[sizeof(((struct process_entry *)0)->name)];
    uint32_t used;
    char text[LINE_TEXT];
};

static struct line entries[ENTRIES];
static uint32_t next_entry;     /* number of the one to be made next; the first is 0 */
static struct client clients[CLIENTS];
static const struct process_table *table; /* init's: it says who has which badge */
static struct lock log_lock;    /* guards all of these */

/* ---- entries ---- */

static void end_line(struct client *client)
{
    struct line *entry = &entries[next_entry++ % ENTRIES];
    line_make(entry, line_time(), client->name, client->text, client->used);
    client->used = 0;
    print("%s", entry->text);
}

/* A line that is too long becomes several entries. */
static void add_character(struct client *client, char character)
{
    if (character != '\n')
        client->text[client->used++] = character;
    if (character == '\n' || client->used == LINE_TEXT)
        end_line(client);
}

/* Complete entries from number *first on that fit; returns how many bytes they are. Those that are gone are passed over, and so
 * is a number that an earlier instance of ours has given. */
static uint32_t copy_entries(uint32_t *first, char *to, uint32_t size)
{
    uint32_t oldest = next_entry > ENTRIES ? next_entry - ENTRIES : 0, used = 0;
    if (*first < oldest || *first > next_entry)
        *first = oldest;
    for (; *first < next_entry; ++*first) {
        const struct line *entry = &entries[*first % ENTRIES];
        if (entry->length > size - used)
            break;
        memcpy(to + used, entry->text, entry->length);
        used += entry->length;
    }
    return used;
}

/* ---- sessions ---- */

static const char *name_of(uint32_t badge)
{
    for (uint32_t i = 0; i < PROCESSES_MAX; i++)
        if (table->entries[i].number == badge)
            return table->entries[i].name;
    return "?";
}

status_t server_session_began(uint32_t badge, session_t *session)
{
    struct client *client = clients;
    if (session->slot_size < LOG_SLOT)
        return E_BAD_ARGUMENT;
    lock_acquire(&log_lock);
    while (client < clients + CLIENTS && client->badge)
        client++;
    if (client < clients + CLIENTS) {
        const char *name = name_of(badge);
        *client = (struct client){ .badge = badge };
        memcpy(client->name, name, strlen(name));
        session->context = client;
    }
    lock_release(&log_lock);
    return session->context ? OK : E_NO_MEMORY;
}

/* What a client has left without the end of the line is a line too. */
void server_session_ended(uint32_t badge, session_t *session)
{
    struct client *client = session->context;
    (void)badge;
    lock_acquire(&log_lock);
    if (client->used)
        end_line(client);
    client->badge = 0;
    lock_release(&log_lock);
}

/* ---- methods ---- */

static reply_t write_slot(const session_t *session, uint32_t word)
{
    char text[LOG_SLOT];
    uint32_t bytes = word >> 16;
    const char *slot = session_slot(session, word & 0xFFFF);
    if (!slot || bytes > LOG_SLOT)
        return reply_error(E_BAD_ARGUMENT);
    memcpy(text, slot, bytes);
    lock_acquire(&log_lock);
    for (uint32_t i = 0; i < bytes; i++)
        add_character(session->context, text[i]);
    lock_release(&log_lock);
    return reply(0);
}

static reply_t read_slot(const session_t *session, uint32_t word)
{
    char text[LOG_SLOT - sizeof(uint32_t)];
    uint32_t *slot = session_slot(session, word);
    if (!slot)
        return reply_error(E_BAD_ARGUMENT);
    uint32_t number = *slot;
    lock_acquire(&log_lock);
    uint32_t bytes = copy_entries(&number, text, sizeof(text));
    lock_release(&log_lock);
    memcpy(slot + 1, text, bytes);
    *slot = number;
    return reply(bytes);
}

static reply_t with_session(const request_t *rq, reply_t (*method)(const session_t *session, uint32_t word))
{
    session_t *session = session_hold(rq);
    if (!session)
        return reply_error(E_BAD_STATE);
    reply_t answer = method(session, rq->word);
    session_release(session);
    return answer;
}

static reply_t serve_log_write(const request_t *rq) { return with_session(rq, write_slot); }
static reply_t serve_log_read(const request_t *rq) { return with_session(rq, read_slot); }

static const method_t methods[] = METHODS_TABLE(LOG_METHODS);

int main(void)
{
    status_t status = init_table(&table);
    if (status == OK)
        status = lock_init(&log_lock);
    if (status == OK)
        status = server_run(NULL, methods, COUNT(methods), .workers = WORKERS, .stack = STACK_BYTES,
                            .handles = METHODS_HANDLES(LOG_METHODS), .count_calls = true);
    return status;
}
