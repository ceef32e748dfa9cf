/* The idle counter: a thread of lowest priority whose turns follow each other closely only while nothing else runs. */
#include "idle.h"

#include "figures.h"

#define TURN_MAX 64u /* ticks: a longer turn was interrupted, and somebody worked meanwhile */

static volatile uint32_t idle;

static void count_idle(void)
{
    for (uint32_t last = (uint32_t)time_stamp();;) {
        uint32_t now = (uint32_t)time_stamp(), turn = now - last;
        if (turn < TURN_MAX)
            idle += turn;
        last = now;
    }
}

void idle_count_begin(void)
{
    system_run_when_idle(count_idle);
}

uint32_t idle_ticks(void)
{
    return idle;
}
