/* rtc: the time of day. Reads the CMOS clock once, and counts from there. */
#include "rtc.h"

#include <io_ports.h>

#include "calendar.h"

#define CMOS_INDEX 0x70u
#define CMOS_DATA 0x71u
#define STATUS_A 0x0Au
#define STATUS_B 0x0Bu
#define UPDATE_IN_PROGRESS 0x80u
#define READ_TRIES 1000u        /* an update takes two milliseconds */
#define READ_PAUSE 100u         /* microseconds */

static uint32_t seconds_at_start;
static uint64_t elapsed;        /* milliseconds since then */
static uint32_t last_uptime;

static uint8_t cmos(uint8_t index)
{
    port_write(CMOS_INDEX, index);
    return port_read(CMOS_DATA);
}

static struct clock_registers read_registers(void)
{
    return (struct clock_registers){ cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9), cmos(STATUS_B) };
}

/* Read in the middle of an update, the registers do not belong together: they must be the same twice. */
static status_t read_clock(struct clock_registers *registers)
{
    for (uint32_t i = 0; i < READ_TRIES; i++) {
        if (!(cmos(STATUS_A) & UPDATE_IN_PROGRESS)) {
            *registers = read_registers();
            struct clock_registers again = read_registers();
            if (memcmp(registers, &again, sizeof(again)) == 0)
                return OK;
        }
        sleep_microseconds(READ_PAUSE);
    }
    return E_TIMED_OUT;
}

static uint32_t uptime(void)
{
    uint32_t milliseconds = 0;
    system_info(INFO_UPTIME_MS, &milliseconds);
    return milliseconds;
}

/* There is one worker, so nobody else counts. */
static reply_t serve_rtc_now(const request_t *rq)
{
    uint32_t time = uptime();
    (void)rq;
    elapsed += time - last_uptime;
    last_uptime = time;
    return reply(seconds_at_start + (uint32_t)(elapsed / 1000));
}

static const method_t methods[] = METHODS_TABLE(RTC_METHODS);

int main(void)
{
    struct clock_registers registers;
    if (read_clock(&registers) != OK) {
        print("the clock does not answer\n");
        return E_TIMED_OUT;
    }
    last_uptime = uptime();
    seconds_at_start = calendar_seconds(&registers);
    print("%u seconds since 1970\n", seconds_at_start);
    return server_run(NULL, methods, COUNT(methods), .workers = 1, .count_calls = true);
}
