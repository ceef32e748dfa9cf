/* A model of calls as kernel/call.c, endpoint.c, thread.c and scheduler.c make them, function by function under the same
 * names. tests/models/run checks it with SPIN, and that SPIN finds every FAULT_* below.
 *
 * One CPU, and a kernel that is never interrupted: each kernel entry is one step (d_step), and what comes next is chosen
 * freely among all that can: the running thread's next act, another ready thread, a time-out, a death. Priorities are not
 * modelled: any ready thread may be the best, any queued caller the first. So what holds here holds for all priorities.
 *
 * Sizes: CLIENTS threads of programs make CALLS calls each, to any endpoint; WORKERS_0 and WORKERS_1 (and WORKERS_2) threads
 * serve endpoints 0, 1 (and 2); for each request a worker makes up to NESTED calls, to any endpoint too, its own included,
 * and waits for up to WAITS signals, as a driver does. EVENTS times something is cancelled or dies. */
#ifndef CLIENTS
#define CLIENTS 2
#define CALLS 1
#define WORKERS_0 1
#define WORKERS_1 1
#define NESTED 1
#define WAITS 0
#define EVENTS 0
#endif
#ifndef WORKERS_2
#define WORKERS_2 0
#define ENDPOINTS 2
#else
#define ENDPOINTS 3
#endif

#define THREADS (CLIENTS + WORKERS_0 + WORKERS_1 + WORKERS_2)
#define is_client(t) ((t) < CLIENTS)
/* Which endpoint a worker is started for. */
#define serves(w) ((w) < CLIENTS + WORKERS_0 -> 0 : ((w) < CLIENTS + WORKERS_0 + WORKERS_1 -> 1 : 2))

#define IDLE THREADS        /* cpu->idle; its budget has the same number */
#define NONE (THREADS + 1)  /* null_thread, or NULL */
#define STALE (THREADS + 2) /* a request whose call has ended */

/* enum thread_state, as far as it matters here */
#define THREAD_ACTIVE 0
#define THREAD_READY 1
#define THREAD_QUEUED 2
#define THREAD_WAITING 3
#define THREAD_DEAD 4

/* struct thread. A budget has the number of the thread that it is embedded in. */
byte state[THREADS];
byte link[THREADS];      /* serving: the caller. Idle: the next idle worker */
byte callee[THREADS];    /* being served: the worker */
bool bound[THREADS];     /* it is in endpoint->workers */
byte budget[THREADS];    /* the one it is to run on, while READY, QUEUED or WAITING */
byte queued_at[THREADS];
/* struct endpoint and struct cpu */
byte idle[ENDPOINTS];    /* top of the stack of idle workers */
bool serve_handles[ENDPOINTS];
byte current, running_budget;

/* What user space remembers. */
byte calls_left[THREADS], waits_left[THREADS], events_left;
byte request[THREADS];   /* worker: whose call it has received and not answered; STALE: that call has ended since */
bool open[THREADS];      /* it has made a call, and no reply or error has come yet */

/* Scratch within one step, never part of a state. */
hidden byte i, j, w, c, p, root, leaf, steps, count, workers;
hidden byte refused, changed, in_set[3], alive[THREADS];
byte subject, first; /* chosen before a step: whom it is about, and which queued caller is the first */

/* ---- what is true after every step ---- */

inline call_root(t)
{
    root = t;
    steps = 0;
    do
    :: link[root] != NONE -> root = link[root]; steps++; assert(steps <= THREADS)   /* no circle of links */
    :: else -> break
    od
}

inline call_leaf(t)
{
    leaf = t;
    steps = 0;
    do
    :: callee[leaf] != NONE -> leaf = callee[leaf]; steps++; assert(steps <= THREADS)
    :: else -> break
    od
}

/* The activity ACTIVITY_IDLE is derived in C too; here it is looked for where it must be: in the endpoint's stack. */
inline check_idle_stacks()
{
    for (p : 0 .. ENDPOINTS - 1) {
        w = idle[p];
        count = 0;
        do
        :: w == NONE -> break
        :: else ->
            assert(state[w] == THREAD_ACTIVE && w != current && bound[w] && serves(w) == p && callee[w] == NONE);
            assert(request[w] == NONE);
            alive[w] = true;    /* seen in a stack */
            w = link[w];
            count++;
            assert(count <= THREADS)
        od;
        for (i : 0 .. THREADS - 1) {
            assert(!(state[i] == THREAD_QUEUED && queued_at[i] == p && idle[p] != NONE)) /* idle stack xor queue */
        }
    }
}

/* Links point both ways; a call is open exactly while its thread is queued or served; the reply that a worker owes and the
 * caller that it is linked to are one and the same. */
inline check_links()
{
    for (i : 0 .. THREADS - 1) {
        if
        :: state[i] == THREAD_DEAD -> assert(link[i] == NONE && callee[i] == NONE && !open[i] && !bound[i])
        :: else ->
            assert(callee[i] == NONE || (link[callee[i]] == i && state[i] == THREAD_ACTIVE && i != current));
            assert(open[i] == (callee[i] != NONE || state[i] == THREAD_QUEUED));
            if
            :: alive[i] -> skip
            :: else ->
                assert(link[i] == NONE || callee[link[i]] == i);
                assert(link[i] == (request[i] < THREADS -> request[i] : NONE));
                assert(state[i] != THREAD_ACTIVE || i == current || callee[i] != NONE)
            fi
        fi
    }
}

/* One holder for each budget: the chain of which its thread is the root, and in that the leaf. */
inline check_budgets()
{
    for (i : 0 .. THREADS - 1) {
        if
        :: state[i] == THREAD_DEAD || alive[i] || callee[i] != NONE -> skip
        :: else ->
            call_root(i);
            assert((i == current -> running_budget : budget[i]) == root)
        fi
    }
    assert((current == IDLE) == (running_budget == IDLE))
}

inline check()
{
    for (i : 0 .. THREADS - 1) {
        alive[i] = false
    }
    check_idle_stacks();
    check_links();
    check_budgets();
    subject = 0;
    first = 0
}

/* ---- scheduler.c ---- */

inline scheduler_ready(t, b)
{
    for (j : 0 .. THREADS - 1) {
        assert(!(state[j] == THREAD_READY && budget[j] == b)) /* !budget->queued */
    }
    assert(b != running_budget);
    state[t] = THREAD_READY;
    budget[t] = b
}

/* The CPU is left to the step `run` below, which takes any ready thread. */
inline scheduler_run_next()
{
    current = IDLE;
    running_budget = IDLE
}

inline scheduler_block(new_state)
{
    state[current] = new_state;
    budget[current] = running_budget;
    scheduler_run_next()
}

/* ---- endpoint.c ---- */

inline endpoint_add_idle(endpoint, worker)
{
    assert(link[worker] == NONE && callee[worker] == NONE);
    link[worker] = idle[endpoint];
    idle[endpoint] = worker;
    state[worker] = THREAD_ACTIVE
}

inline endpoint_remove_idle(endpoint, worker)
{
    if
    :: idle[endpoint] == worker -> idle[endpoint] = link[worker]
    :: else ->
        j = idle[endpoint];
        do
        :: link[j] == worker -> link[j] = link[worker]; break
        :: else -> j = link[j]
        od
    fi;
    link[worker] = NONE
}

inline count_workers(endpoint)
{
    workers = 0;
    for (j : 0 .. THREADS - 1) {
        workers = workers + (bound[j] && serves(j) == endpoint -> 1 : 0)
    }
}

/* Any queued caller may be the one of the highest priority: the search begins at `first`. */
inline endpoint_take_caller(endpoint)
{
    c = NONE;
    j = 0;
    do
    :: j == THREADS -> break
    :: else ->
        if
        :: state[(first + j) % THREADS] == THREAD_QUEUED && queued_at[(first + j) % THREADS] == endpoint ->
            c = (first + j) % THREADS;
            queued_at[c] = 0;
            state[c] = THREAD_ACTIVE;
            break
        :: else -> j++
        fi
    od
}

inline fail_if_deserted(endpoint)
{
    count_workers(endpoint);
#ifdef FAULT_DESERTED /* callers that nobody can serve any more are not told */
    workers = 1;
#endif
    if
    :: workers == 0 && !serve_handles[endpoint] ->
        do
        :: true ->
            endpoint_take_caller(endpoint);
            if
            :: c == NONE -> break
            :: else -> call_finish(c)
            fi
        od
    :: else -> skip
    fi
}

/* ---- call.c ---- */

/* A reply or an error reaches the caller, once. What its worker still does is for nobody. */
inline complete_once(t)
{
    assert(open[t]);
    open[t] = false;
    for (j : 0 .. THREADS - 1) {
        request[j] = (request[j] == t -> STALE : request[j])
    }
}

inline deliver_request(caller, worker)
{
    assert(state[caller] != THREAD_DEAD);
    link[worker] = caller;
    callee[caller] = worker;
    request[worker] = caller;
    calls_left[worker] = NESTED;
    waits_left[worker] = WAITS
}

/* The kernel's rule: every worker of the endpoint, and of those where these wait, waits for the caller. */
inline would_deadlock(caller, endpoint)
{
    for (p : 0 .. ENDPOINTS - 1) {
        in_set[p] = p == endpoint
    }
    refused = true;
    changed = true;
    do
    :: refused && changed ->
        changed = false;
        for (p : 0 .. ENDPOINTS - 1) {
            count_workers(p);
            if
            :: in_set[p] && workers == 0 -> refused = false
            :: else -> skip
            fi
        }
        for (w : 0 .. THREADS - 1) {
            if
            :: bound[w] && in_set[serves(w)] ->
                call_leaf(w);
                if
                :: leaf == caller -> skip
                :: leaf != caller && state[leaf] == THREAD_QUEUED ->
                    if
#ifdef FAULT_RULE_SHALLOW /* endpoints further on are not looked at */
                    :: true -> refused = false
#endif
                    :: in_set[queued_at[leaf]] -> skip
                    :: else -> in_set[queued_at[leaf]] = true; changed = true
                    fi
                :: else -> refused = false
                fi
            :: else -> skip
            fi
        }
    :: else -> break
    od;
#ifdef FAULT_RULE_EAGER /* one worker that waits for the caller is enough */
    for (w : 0 .. THREADS - 1) {
        call_leaf(w);
        refused = refused || (bound[w] && serves(w) == endpoint && leaf == caller)
    }
#endif
}

/* The same question from the other end, to compare: from all who can go on, to those who wait for them. */
inline check_refusal(caller, endpoint)
{
    for (w : 0 .. THREADS - 1) {
        alive[w] = state[w] != THREAD_DEAD && w != caller && callee[w] == NONE && state[w] != THREAD_QUEUED
    }
    for (p : 0 .. ENDPOINTS - 1) {
        count_workers(p);
        in_set[p] = workers == 0
    }
    changed = true;
    do
    :: changed ->
        changed = false;
        for (w : 0 .. THREADS - 1) {
            call_leaf(w);
            if
            :: state[w] == THREAD_QUEUED && in_set[queued_at[w]] && !alive[w] -> alive[w] = true; changed = true
            :: bound[w] && alive[leaf] && !in_set[serves(w)] -> in_set[serves(w)] = true; changed = true
            :: else -> skip
            fi
        }
    :: else -> break
    od;
    assert(refused != in_set[endpoint])
}

/* Errors at once (E_PEER_DIED, E_DEADLOCK) leave the caller running. */
inline queue_call(endpoint)
{
    count_workers(endpoint);
    if
    :: workers == 0 && !serve_handles[endpoint] -> complete_once(current)
    :: else ->
#ifdef FAULT_NO_RULE
        refused = false;
#else
        would_deadlock(current, endpoint);
        check_refusal(current, endpoint);
#endif
        if
        :: refused -> complete_once(current)
        :: else -> queued_at[current] = endpoint; scheduler_block(THREAD_QUEUED)
        fi
    fi
}

inline call_service(endpoint)
{
    assert(!open[current]);
    open[current] = true;
    w = idle[endpoint];
    if
    :: w == NONE -> queue_call(endpoint)
    :: else ->
        idle[endpoint] = link[w];
        link[w] = NONE;
        deliver_request(current, w);
        current = w     /* scheduler_switch_to: the running budget stays */
    fi
}

/* c: the caller that is served next, or NONE. */
inline serve_waiting(worker)
{
#ifdef FAULT_QUEUE_FORGOTTEN /* a worker goes to the idle stack without a look at the queue */
    c = NONE;
#else
    endpoint_take_caller(serves(worker));
#endif
    if
    :: c != NONE -> deliver_request(c, worker)
    :: else -> skip
    fi
}

inline call_wait()
{
    bound[current] = true;
    request[current] = NONE;
    w = current;
    serve_waiting(w);
    if
    :: c != NONE -> running_budget = budget[c]
    :: else -> endpoint_add_idle(serves(w), w); scheduler_run_next()
    fi
}

inline call_reply_wait()
{
    w = current;
    i = link[w];
    if
    :: i == NONE -> request[w] = NONE   /* E_NO_CALLER */
    :: else ->
        assert(request[w] == i);        /* it answers the very call that it received */
        link[w] = NONE;
        callee[i] = NONE;
        complete_once(i);
        request[w] = NONE;
        serve_waiting(w);
        if
        :: c != NONE -> scheduler_ready(w, budget[c])
        :: else -> endpoint_add_idle(serves(w), w)
        fi;
#ifdef FAULT_BUDGET_KEPT_BY_REPLY /* the worker goes on on the caller's budget */
        running_budget = w;
#endif
        current = i
    fi
}

inline continue_on_own_budget(worker)
{
#ifdef FAULT_BUDGET_KEPT /* the rest of the chain keeps what it was lent */
    skip;
#else
    call_leaf(worker);
    if
    :: leaf == current -> running_budget = worker
    :: leaf != current && state[leaf] == THREAD_READY -> state[leaf] = THREAD_ACTIVE; scheduler_ready(leaf, worker)
#ifndef FAULT_BLOCKED_KEEPS_BUDGET /* a leaf that waits is forgotten, and comes back on a budget that was lent */
    :: else -> budget[leaf] = worker
#else
    :: else -> skip
#endif
    fi
#endif
}

inline call_cut(caller)
{
    if
    :: state[caller] == THREAD_QUEUED -> queued_at[caller] = 0; state[caller] = THREAD_ACTIVE
    :: else ->
        w = callee[caller];
#ifndef FAULT_LINK_KEPT /* a late reply finds the caller that has gone on */
        link[w] = NONE;
#endif
        callee[caller] = NONE;
        continue_on_own_budget(w)
    fi
}

inline call_finish(caller)
{
    if
    :: open[caller] -> complete_once(caller)
    :: else -> skip     /* an idle worker, whose wait ends */
    fi;
#ifdef FAULT_OWN_BUDGET /* in the middle of a chain the root's budget is the right one */
    root = caller;
#else
    call_root(caller);
#endif
    scheduler_ready(caller, root)
}

/* The thread serves one of the pools that the rule has found, or works for a thread that does. */
inline is_in_found_pool(thread)
{
    i = thread;
    changed = false;
    do
    :: i == NONE -> break
    :: else ->
        changed = changed || (bound[i] && in_set[serves(i)]);
        i = link[i]
    od
#ifdef FAULT_RULE_BYSTANDER /* somebody in the queue is refused, whom nobody waits for */
    changed = true
#endif
}

/* The rule once more when a worker is gone: if the others wait for each other now, a caller that is part of it is refused. */
inline fail_deadlocked(endpoint)
{
#ifndef FAULT_RULE_AT_CALLS_ONLY
    would_deadlock(NONE, endpoint);
    if
    :: refused ->
        c = NONE;
        for (first : 0 .. THREADS - 1) {
            if
            :: c == NONE && state[first] == THREAD_QUEUED && queued_at[first] == endpoint ->
                is_in_found_pool(first);
                c = (changed -> first : NONE)
            :: else -> skip
            fi
        }
        assert(c != NONE);  /* whose call, or whose caller's, has closed the circle */
        queued_at[c] = 0;
        state[c] = THREAD_ACTIVE;
        call_finish(c)
    :: else -> skip
    fi
#else
    skip
#endif
}

/* ---- thread.c ---- */

/* changed: something blocked it. */
inline leave_wait(t)
{
    changed = true;
    if
    :: state[t] == THREAD_WAITING -> state[t] = THREAD_ACTIVE
    :: state[t] == THREAD_QUEUED -> call_cut(t)
    :: state[t] == THREAD_ACTIVE && t == current -> changed = false
    :: state[t] == THREAD_ACTIVE && t != current && callee[t] != NONE -> call_cut(t)
    :: state[t] == THREAD_ACTIVE && t != current && callee[t] == NONE -> endpoint_remove_idle(serves(t), t)
    :: else -> changed = false
    fi
}

inline thread_unblock(t)
{
    if
    :: state[t] == THREAD_WAITING -> scheduler_ready(t, budget[t])
    :: else ->
        leave_wait(t);
        if
        :: changed -> call_finish(t)
        :: else -> skip
        fi
    fi
}

/* Its call ends with it, and so does the request that it has received. */
inline forget(t)
{
    if
    :: open[t] -> complete_once(t)
    :: else -> skip
    fi;
    request[t] = NONE;
    calls_left[t] = 0;
    waits_left[t] = 0;
    budget[t] = t
}

inline fail_caller(t)
{
    i = link[t];
    link[t] = NONE;
    callee[i] = NONE;
    running_budget = (t == current -> IDLE : running_budget);
    call_finish(i)
}

inline thread_kill(t)
{
    if
    :: state[t] == THREAD_READY -> skip
#ifdef FAULT_DEAD_IN_QUEUE /* a caller that has died is still served */
    :: state[t] == THREAD_QUEUED -> skip
#endif
    :: else -> leave_wait(t)
    fi;
#ifndef FAULT_DEAD_IN_QUEUE
    state[t] = THREAD_DEAD;
#else
    state[t] = (state[t] == THREAD_QUEUED -> THREAD_QUEUED : THREAD_DEAD);
#endif
#ifndef FAULT_CALLER_FORGOTTEN /* nobody tells the caller of a worker that has died */
    if
    :: link[t] != NONE -> fail_caller(t)
    :: else -> skip
    fi;
#else
    link[t] = NONE;
#endif
    forget(t);
    if
    :: bound[t] -> bound[t] = false; fail_if_deserted(serves(t)); fail_deadlocked(serves(t))
    :: else -> skip
    fi;
    if
    :: t == current -> scheduler_run_next()
    :: else -> skip
    fi
}

/* ---- what can happen ---- */

/* Deaths and time-outs come while there is something to disturb: they are no way out of a deadlock. */
#define may_disturb (events_left > 0 && (current != IDLE || some(is_waiting)))

#define at(t) ((t) < THREADS -> (t) : 0)
#define is(t, s) ((t) < THREADS && state[at(t)] == s)
#define is_ready(t) is(t, THREAD_READY)
#define is_queued(t) is(t, THREAD_QUEUED)
#define is_waiting(t) is(t, THREAD_WAITING)
#define is_dead(t) is(t, THREAD_DEAD)
#define is_alive(t) ((t) < THREADS && !is_dead(t))
#define is_blocked(t) (is_queued(t) || is_waiting(t) || (is(t, THREAD_ACTIVE) && (t) != current))
#define is_restartable(t) (is_dead(t) && !is_client(t) && serve_handles[serves(t)])
#define may_be_first(t) ((t) == 0 || is_queued(t))
#define is_endpoint(p) ((p) < ENDPOINTS)
#define is_at(t, p) (is_alive(t) && !is_client(t) && serves(t) == (p))
#define is_left(p) (!is_at(0, p) && !is_at(1, p) && !is_at(2, p) && !is_at(3, p) && !is_at(4, p) && !is_at(5, p) && !is_at(6, p))
#define is_ended(p) ((p) < ENDPOINTS && serve_handles[((p) < ENDPOINTS -> (p) : 0)] && is_left(p))

#if THREADS > 7
#error at most 7 threads
#endif
#define some(is_so) (is_so(0) || is_so(1) || is_so(2) || is_so(3) || is_so(4) || is_so(5) || is_so(6))
#define choose(x, is_so) if :: is_so(0) -> x = 0 :: is_so(1) -> x = 1 :: is_so(2) -> x = 2 :: is_so(3) -> x = 3 \
    :: is_so(4) -> x = 4 :: is_so(5) -> x = 5 :: is_so(6) -> x = 6 fi

/* Every thread starts ready, on its own budget: clients may call before a worker waits. */
inline start(t, calls)
{
    state[t] = THREAD_READY;
    link[t] = NONE;
    callee[t] = NONE;
    budget[t] = t;
    request[t] = NONE;
    calls_left[t] = calls
}

init
{
    byte target;
    d_step {
        for (i : 0 .. THREADS - 1) {
            start(i, (is_client(i) -> CALLS : 0));
            bound[i] = false
        }
        for (p : 0 .. ENDPOINTS - 1) {
            idle[p] = NONE;
            serve_handles[p] = true
        }
        events_left = EVENTS;
        scheduler_run_next()
    }
    do
    /* run: the CPU takes any ready thread. */
    :: atomic { current == IDLE && some(is_ready) ->
        choose(subject, is_ready);
        d_step { current = subject; running_budget = budget[subject]; state[subject] = THREAD_ACTIVE; check() } }

    /* scheduler_preempt: the running thread becomes ready, another will run. */
    :: atomic { current != IDLE && some(is_ready) -> d_step {
        state[current] = THREAD_READY; budget[current] = running_budget; scheduler_run_next(); check() } }

    /* A client calls, or has done all its calls and ends; a worker calls from a handler. */
    :: atomic { current != IDLE && calls_left[current] > 0 ->
        choose(target, is_endpoint);
        d_step { calls_left[current]--; call_service(target); target = 0; check() } }
    :: d_step { current != IDLE && is_client(current) && calls_left[current] == 0 -> subject = current; thread_kill(subject); check() }

    /* A worker with a request waits for a signal, or replies; one without waits for a request. */
    :: d_step { current != IDLE && waits_left[current] > 0 -> waits_left[current]--; scheduler_block(THREAD_WAITING); check() }
    :: atomic { current != IDLE && !is_client(current) && request[current] != NONE ->
        choose(first, may_be_first);
        d_step { calls_left[current] = 0; waits_left[current] = 0; call_reply_wait(); check() } }
    :: atomic { current != IDLE && !is_client(current) && request[current] == NONE ->
        choose(first, may_be_first);
        d_step { call_wait(); check() } }

    /* The signal comes. */
    :: atomic { some(is_waiting) ->
        choose(subject, is_waiting);
        d_step { thread_unblock(subject); check() } }

    /* A call, a wait for a signal or a worker's wait for a request is cancelled, or a call's time is over. */
    :: atomic { may_disturb && some(is_blocked) ->
        choose(subject, is_blocked);
        d_step { events_left--; thread_unblock(subject); check() } }

    /* A thread dies. */
    :: atomic { may_disturb && some(is_alive) ->
        choose(subject, is_alive);
        d_step { events_left--; thread_kill(subject); check() } }

    /* A service ends, with all its workers. */
    :: atomic { may_disturb ->
        choose(target, is_endpoint);
        d_step {
            events_left--;
            subject = CLIENTS;
            do
            :: subject == THREADS -> break
            :: else ->
                if
                :: serves(subject) == target && state[subject] != THREAD_DEAD -> thread_kill(subject)
                :: else -> skip
                fi;
                subject++
            od;
            target = 0;
            check() } }

    /* What died is started again ... */
#ifndef NO_RESTART
    :: atomic { some(is_restartable) ->
        choose(subject, is_restartable);
        d_step { start(subject, 0); check() } }
#endif
    /* ... or a service of which no worker is left is given up: endpoint_count_server(-1). */
    :: atomic { some(is_ended) ->
        choose(target, is_ended);
        d_step { serve_handles[target] = false; fail_if_deserted(target); target = 0; check() } }

    /* Nobody runs, is ready or waits for anything but a request: all is over. In any other state somebody must be able to go on. */
    :: current == IDLE && !some(is_ready) && !some(is_queued) && !some(is_waiting) -> break
    od
}
