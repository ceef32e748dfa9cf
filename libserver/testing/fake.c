/* The fake of libserver: the service under test, those that it calls, and what its line of the system list says. */
#include "fake_internal.h"

#include <stdio.h>

#include <init.h>

#define SERVICES 16u
#define ARGUMENTS 16u
#define PRINTED 65536u

__attribute__((weak)) int service_main(void); /* main() of the service, which is compiled with -Dmain=service_main */

struct call *current;
const struct service *own_service;
struct lock library_lock, print_lock;

static struct service services[SERVICES];
static uint32_t service_count;
static const char *own_name;
static jmp_buf started;
static int exit_code;
static uint8_t (*read_port)(uint16_t port);
static void (*write_port)(uint16_t port, uint8_t value);

/* ---- services ---- */

static const struct service *service_add(const char *name, const method_t *methods, uint32_t count, uint32_t handles)
{
    if (service_count == SERVICES)
        fail_msg("more than %u services", SERVICES);
    services[service_count] = (struct service){ name, methods, count, handles };
    return &services[service_count++];
}

static const struct service *service_named(const char *name)
{
    for (uint32_t i = service_count; i > 0; i--)
        if (strcmp(services[i - 1].name, name) == 0)
            return &services[i - 1];
    return NULL;
}

void fake_provide(const char *name, const method_t *methods, uint32_t count, uint32_t handles)
{
    service_add(name, methods, count, handles);
}

status_t service_find(const char *name, handle_t *endpoint)
{
    const struct service *found = service_named(name);
    if (!found)
        return E_NOT_FOUND;
    *endpoint = endpoint_make(found, FAKE_BADGE);
    return *endpoint == HANDLE_NONE ? E_NO_MEMORY : OK;
}

handle_t init_endpoint(void)
{
    static handle_t init;
    if (init == HANDLE_NONE && service_find("init", &init) != OK)
        init = endpoint_make(service_add("init", NULL, 0, 0), FAKE_BADGE);
    return init;
}

/* ---- the service under test ---- */

int server_run_options(const char *name, const method_t *methods, uint32_t count, const struct server_options *options)
{
    if (name && strcmp(name, own_name) != 0)
        return E_BAD_ARGUMENT;
    own_service = service_add(own_name, methods, count, options->handles);
    longjmp(started, 1); /* it serves for ever */
}

status_t server_start_options(handle_t *endpoint, const method_t *methods, uint32_t count,
                              const struct server_options *options)
{
    *endpoint = endpoint_make(service_add("", methods, count, options->handles), 0);
    return *endpoint == HANDLE_NONE ? E_NO_MEMORY : OK;
}

int fake_main(const char *name)
{
    own_name = name;
    own_service = NULL;
    exit_code = FAKE_SERVES;
    if (setjmp(started) == 0)
        exit_code = service_main();
    return exit_code;
}

handle_t fake_start(const char *name)
{
    int code = fake_main(name);
    if (code != FAKE_SERVES)
        fail_msg("%s does not serve: its main() ended with %d (%s)", name, code, status_text(code));
    return fake_client(FAKE_BADGE);
}

handle_t fake_client(uint32_t badge)
{
    return endpoint_make(own_service, badge);
}

/* To whom it belongs whose service ends: to the innermost call, or to whoever started it. */
void process_exit(uint32_t code)
{
    exit_code = (int)code;
    if (current)
        longjmp(current->ended, 1);
    longjmp(started, 1);
}

void machine_exit(uint32_t code)
{
    process_exit(code);
}

/* ---- calls ---- */

__attribute__((weak)) reply_t server_unknown_method(const request_t *request)
{
    if (request->handle != HANDLE_NONE)
        handle_close(request->handle);
    return reply_error(E_NO_METHOD);
}

static bool takes_handle(const struct service *service, uint32_t method)
{
    return (service->handles & ENDPOINT_TAKES_HANDLES) ||
           (method < ENDPOINT_METHODS_WITH_HANDLES && (service->handles & ENDPOINT_TAKES_HANDLE(method)));
}

static reply_t serve(const struct service *service, const request_t *request)
{
    bool known = request->method < service->count && service->methods[request->method];
    return known ? service->methods[request->method](request) : server_unknown_method(request);
}

/* The request lies in memory of its own, which is gone after the reply. A service that ends in the middle leaves its caller
 * E_PEER_DIED. */
static status_t run(struct call *call, const request_t *request, reply_t *answer)
{
    request_t *copy = malloc(sizeof(*copy));
    *copy = *request;
    current = call;
    bool died = setjmp(call->ended) != 0;
    if (!died)
        *answer = serve(call->service, copy);
    current = call->outer;
    free(copy);
    return died ? E_PEER_DIED : OK;
}

static status_t check_attached(const struct service *service, uint32_t method, handle_t attached)
{
    status_t status = OK;
    if (attached == HANDLE_NONE)
        return OK;
    if (!takes_handle(service, method))
        return E_NO_RIGHT;
    entry_find(attached, TYPE_NONE, RIGHT_TRANSFER, &status);
    return status;
}

/* A handle that came back goes to the caller if it takes one. */
static handle_t take_given(handle_t given, bool accepted)
{
    if (given == HANDLE_NONE)
        return HANDLE_NONE;
    handle_t moved = handle_move(given);
    if (accepted)
        return moved;
    handle_close(moved);
    return HANDLE_NONE;
}

status_t system_message(uint32_t number, uint32_t endpoint, uint32_t timeout, struct message *message)
{
    status_t status = OK;
    const struct entry *entry = entry_find(endpoint, TYPE_ENDPOINT, RIGHT_CALL, &status);
    (void)timeout;
    if (number != SYS_call)
        fail_msg("a handler waits for a request by itself, which is not faked");
    if (!entry)
        return status;
    handle_t attached = message->handle & ~HANDLE_ACCEPT;
    struct call call = { .service = entry->object->service, .outer = current };
    status = check_attached(call.service, message->method, attached);
    if (status != OK)
        return status;
    const request_t request = { message->word, message->method, entry->badge,
                                attached == HANDLE_NONE ? HANDLE_NONE : handle_move(attached) };
    reply_t answer = 0;
    status = run(&call, &request, &answer);
    bool accepted = message->handle & HANDLE_ACCEPT;
    message->word = (uint32_t)answer;
    message->status = (status_t)(answer >> 32);
    message->handle = take_given(call.given, accepted && status == OK);
    return status;
}

reply_t reply_handle(uint32_t word, handle_t handle)
{
    status_t status = OK;
    entry_find(handle, TYPE_NONE, RIGHT_TRANSFER, &status);
    if (!current || status != OK)
        fail_msg("reply_handle(): %s", current ? status_text(status) : "outside a request");
    current->given = handle;
    return reply(word);
}

bool request_cancelled(void)
{
    return request_status() != OK;
}

status_t service_call(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply)
{
    return service_call_full(endpoint, method, word, TIMEOUT_NEVER, HANDLE_NONE, reply, NULL);
}

static status_t gate_call(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status)
{
    struct message message = { .word = word, .method = method };
    status_t kernel_status = ipc_call(endpoint, TIMEOUT_NEVER, &message);
    *reply = message.word;
    *status = message.status;
    return kernel_status;
}

status_t gate_call_sysenter(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status)
{
    return gate_call(endpoint, method, word, reply, status);
}

status_t gate_call_int(handle_t endpoint, uint32_t method, uint32_t word, uint32_t *reply, status_t *status)
{
    return gate_call(endpoint, method, word, reply, status);
}

bool gate_sysenter_usable(void)
{
    return true;
}

/* ---- the line of the system list ---- */

static struct { const char *key, *value; } arguments[ARGUMENTS];
static struct { const char *key; handle_t handle; } resources[ARGUMENTS];
static uint32_t argument_count, resource_count;

void fake_argument(const char *key, const char *value)
{
    if (argument_count == ARGUMENTS)
        fail_msg("more than %u arguments", ARGUMENTS);
    arguments[argument_count].key = key;
    arguments[argument_count++].value = value;
}

void fake_resource(const char *key, handle_t handle)
{
    if (resource_count == ARGUMENTS)
        fail_msg("more than %u resources", ARGUMENTS);
    resources[resource_count].key = key;
    resources[resource_count++].handle = handle;
}

const char *argument(const char *key)
{
    for (uint32_t i = argument_count; i > 0; i--)
        if (strcmp(arguments[i - 1].key, key) == 0)
            return arguments[i - 1].value;
    return NULL;
}

uint32_t argument_number(const char *key, uint32_t otherwise)
{
    const char *text = argument(key);
    return text ? (uint32_t)strtoul(text, NULL, strncmp(text, "0x", 2) == 0 ? 16 : 10) : otherwise;
}

handle_t startup_handle_at(const char *key, uint32_t n)
{
    for (uint32_t i = 0; i < resource_count; i++)
        if (strcmp(resources[i].key, key) == 0 && n-- == 0)
            return resources[i].handle;
    return HANDLE_NONE;
}

handle_t startup_handle(const char *key)
{
    return startup_handle_at(key, 0);
}

const char *program_name(void)
{
    return own_name;
}

handle_t self_process(void)
{
    static handle_t process;
    if (process == HANDLE_NONE)
        process = fake_handle(TYPE_PROCESS);
    return process;
}

status_t thread_spawn(void (*function)(void *), void *argument, uint8_t priority, handle_t *thread)
{
    (void)function;
    (void)argument;
    (void)priority;
    *thread = fake_handle(TYPE_THREAD);
    return *thread == HANDLE_NONE ? E_NO_MEMORY : OK;
}

/* Each client is one of the processes. */
status_t init_table(const struct process_table **found)
{
    static struct process_table table;
    for (uint32_t i = 0; i < PROCESSES_MAX; i++) {
        table.entries[i].number = i + 1;
        snprintf(table.entries[i].name, sizeof(table.entries[i].name), "client%u", i + 1);
    }
    *found = &table;
    return OK;
}

/* ---- text and ports ---- */

static char printed[PRINTED];
static uint32_t printed_bytes, printed_seen;

/* Shown as well: with a failure, it tells how that came about. */
void output_write(const char *text, uint32_t bytes)
{
    fwrite(text, 1, bytes, stdout);
    if (bytes >= PRINTED - printed_bytes)
        printed_bytes = printed_seen = 0;
    memcpy(printed + printed_bytes, text, bytes);
    printed_bytes += bytes;
    printed[printed_bytes] = '\0';
}

const char *fake_printed(void)
{
    const char *since = printed + printed_seen;
    printed_seen = printed_bytes;
    return since;
}

void fake_ports(uint8_t (*read)(uint16_t port), void (*write)(uint16_t port, uint8_t value))
{
    read_port = read;
    write_port = write;
}

uint8_t port_read(uint16_t port)
{
    if (!read_port)
        fail_msg("port 0x%x is read, and fake_ports() has named no device", port);
    return read_port(port);
}

void port_write(uint16_t port, uint8_t value)
{
    if (!write_port)
        fail_msg("port 0x%x is written, and fake_ports() has named no device", port);
    write_port(port, value);
}
