/* A service's handlers on the machine that builds: natively, under cmocka and with the sanitizers, against a fake of libserver.
 *
 *     static handle_t clock;
 *
 *     static void tells_the_time(void **state)
 *     {
 *         uint32_t seconds;
 *         (void)state;
 *         fake_time += 5000000;
 *         assert_int_equal(clock_now(clock, &seconds), OK);
 *         assert_int_equal(seconds, 5);
 *     }
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = { cmocka_unit_test(tells_the_time) };
 *         clock = fake_start("clock");
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 *
 * The program holds the service's own files, whose main() runs up to server_run(), and this test. Everything happens in one
 * thread: a call is a call of the handler, sleeping moves a clock, and who would wait for ever fails the test. Numbers, handles,
 * rights, sessions and their memory behave as on Postern; a request is gone after the reply, and memory is exactly as large as
 * promised, so that the sanitizer sees one byte too far. A kernel call that is not faked fails the test by its name.
 *
 * Not faked: addresses of 32 bits (map memory with pages_map()), threads (thread_spawn() makes none, test their function by
 * itself), a second life of the service (its variables keep their values from test to test). */
#ifndef FAKE_H
#define FAKE_H

#include <server.h>

#include <tests/host/unit.h>

/* ---- the service under test ---- */

/* Runs main() of the service under this name, and returns a handle to call it through, with FAKE_BADGE. A service that does not
 * serve fails the test. */
handle_t fake_start(const char *name);
#define FAKE_BADGE 1u
/* The same for services that are expected to give up: what main() returned or process_exit() was given; FAKE_SERVES: neither. */
int fake_main(const char *name);
#define FAKE_SERVES INT32_MIN
/* A handle with another badge: another client. */
handle_t fake_client(uint32_t badge);
/* What the service was given in the system list, to be said before it starts. */
void fake_argument(const char *key, const char *value);
void fake_resource(const char *key, handle_t handle);

/* ---- its surroundings ---- */

/* A service that the one under test may find and call; `handles` as in struct server_options. "init" is one of them. */
void fake_provide(const char *name, const method_t *methods, uint32_t count, uint32_t handles);
/* Microseconds since the machine was started; sleeping and waiting add to it, and so may the test. */
extern uint64_t fake_time;
/* What system_info() says. INFO_UPTIME_MS is fake_time; all others are 0 at first. */
extern uint32_t fake_info[INFO_COUNT];
/* So many more pages, notifications, handles ... can be had. */
extern uint32_t fake_allocations_left;
/* The caller of every request is gone: request_cancelled() says so. */
extern bool fake_cancelled;
/* A device: its ports. */
void fake_ports(uint8_t (*read)(uint16_t port), void (*write)(uint16_t port, uint8_t value));
/* A handle of a new object of some type (TYPE_*), with every right; of an interrupt line, fake_interrupt() raises it. */
handle_t fake_handle(uint32_t type);
void fake_interrupt(handle_t irq);

/* ---- what is left to see ---- */

/* What print() has printed since this was asked last. */
const char *fake_printed(void);
/* Handles that are open: more after a request than before it, and the service keeps them, or has forgotten to close them. */
uint32_t fake_handles(void);
/* Requests that hold a session: one after a request, and session_release() was forgotten. */
uint32_t fake_sessions_held(void);

#endif
