/* Priority inversion: a thread of high priority calls a service while one of medium priority computes for long. Measured is the
 * high one's call, with the service free, and with a request of a thread of low priority in it.
 *
 * Lending: a pool, as Postern has it; a request runs on its caller's budget. None: a server thread with a low priority of its
 * own, as a kernel without lending has it, made of notifications and shared memory. */
#include "crowd.h"

#define LOW 2
#define MEDIUM 4
#define HIGH 6
#define SAMPLES 20u
#define REQUEST 4000u       /* instructions of a request, in two halves */
#define HOG 500000u         /* instructions that the thread of medium priority computes */
#define GO_HOG 1u
#define GO_HIGH 2u
#define GO_LOW 4u
#define FROM_LOW 1u         /* who asks: of the server thread, a bit of `requests` as well */
#define FROM_HIGH 2u
#define END 4u

static struct {
    handle_t go;                        /* GO_HOG, GO_HIGH, GO_LOW */
    handle_t endpoint;                  /* of the pool; HANDLE_NONE: the server thread is asked */
    handle_t requests, replies;
    volatile uint32_t words[FROM_HIGH + 1];
    bool held;                          /* the low one's request is in the service when the high one calls */
} scene;

/* The low one's request is half done when the hog begins. */
static uint32_t serve(uint32_t from)
{
    compute(REQUEST / 2);
    if (from == FROM_LOW)
        notification_signal(scene.go, GO_HOG);
    compute(REQUEST / 2);
    return from;
}

static reply_t handler(const request_t *request)
{
    return reply(serve(request->word));
}

/* Takes the high one's request first when there are two. */
static void server_thread(void *unused)
{
    uint32_t pending = 0, bits;
    (void)unused;
    for (;;) {
        if (notification_wait(scene.requests, ~0u, pending ? 0 : TIMEOUT_NEVER, &bits) == OK)
            pending |= bits;
        if (pending & END)
            return;
        uint32_t from = pending & FROM_HIGH ? FROM_HIGH : FROM_LOW;
        pending &= ~from;
        scene.words[from] = serve(scene.words[from]);
        notification_signal(scene.replies, from);
    }
}

static status_t ask_thread(uint32_t from, uint32_t *answer)
{
    uint32_t bits;
    scene.words[from] = from;
    status_t status = notification_signal(scene.requests, from);
    if (status == OK)
        status = notification_wait(scene.replies, from, TIMEOUT_NEVER, &bits);
    *answer = scene.words[from];
    return status;
}

static void ask(uint32_t from)
{
    uint32_t answer = 0;
    status_t status = scene.endpoint ? service_call(scene.endpoint, 0, from, &answer) : ask_thread(from, &answer);
    must("inversion", status == OK && answer != from ? E_BAD_STATE : status);
}

static void wait_for_go(uint32_t which)
{
    uint32_t bits;
    must("inversion", notification_wait(scene.go, which, TIMEOUT_NEVER, &bits));
}

/* Begins each round, and waits until the high one has its answer. */
static void low(void *unused)
{
    (void)unused;
    for (uint32_t i = 0; i <= SAMPLES; i++) {
        if (scene.held)
            ask(FROM_LOW);
        else
            notification_signal(scene.go, GO_HOG);
        wait_for_go(GO_LOW);
    }
}

static void hog(void *unused)
{
    (void)unused;
    for (uint32_t i = 0; i <= SAMPLES; i++) {
        wait_for_go(GO_HOG);
        notification_signal(scene.go, GO_HIGH);
        compute(HOG);
    }
}

/* The first round warms up. */
static void high(void *unused)
{
    (void)unused;
    for (uint32_t i = 0; i <= SAMPLES; i++) {
        wait_for_go(GO_HIGH);
        uint64_t begin = ticks();
        ask(FROM_HIGH);
        sample_store()[i] = time_since(begin);
        notification_signal(scene.go, GO_LOW);
    }
}

static void play(const char *name, bool held, handle_t endpoint)
{
    char figure[FIGURE_NAME];
    struct crowd crowd;
    scene.held = held;
    scene.endpoint = endpoint;
    crowd_begin(&crowd);
    crowd_add(&crowd, low, NULL, LOW);
    crowd_add(&crowd, hog, NULL, MEDIUM);
    crowd_add(&crowd, high, NULL, HIGH);
    crowd_run(&crowd);
    figure_name(figure, "inversion/%s/%s", held ? "held" : "free", name);
    report(&(struct series){ figure, sample_store() + 1, SAMPLES, .warmup = 1, .overhead = timer_overhead() });
}

static void play_thread(bool held)
{
    handle_t thread = HANDLE_NONE;
    must("thread_spawn", thread_spawn(server_thread, NULL, LOW, &thread));
    play("none", held, HANDLE_NONE);
    notification_signal(scene.requests, END);
    handle_close(thread);
}

void measure_inversion(void)
{
    static const method_t methods[] = { handler };
    handle_t one, two;
    must("notification_create", notification_create(&scene.go));
    must("notification_create", notification_create(&scene.requests));
    must("notification_create", notification_create(&scene.replies));
    must("server_start", server_start(&one, methods, COUNT(methods), .workers = 1));
    must("server_start", server_start(&two, methods, COUNT(methods), .workers = 2));
    for (uint32_t held = 0; held < 2; held++) {
        play("lending", held, one);
        play_thread(held);
        play("pool", held, two);
    }
}
