/* Time: the date from the clock service, times of the process, sleeping. */
#include <errno.h>
#include <servers/rtc/rtc.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

#define BASE_LIFE 3600000u          /* milliseconds until the clock service is asked again */
#define SLEEP_MOST 1000u            /* seconds at a time: the kernel counts 32 bits of microseconds */

/* The service knows seconds, the kernel milliseconds: one base makes a time that goes on evenly. */
static struct {
    struct lock lock;
    handle_t service;
    bool good;
    uint32_t uptime;                /* milliseconds, when it was ... */
    uint32_t seconds;               /* since 1970 */
} base;

void libc_time_init(void)
{
    libc_lock_make(&base.lock);
}

static uint32_t uptime(void)
{
    uint32_t milliseconds = 0;
    system_info(INFO_UPTIME_MS, &milliseconds);
    return milliseconds;
}

/* Without a clock service, the machine was started in 1970. */
static void set_base(void)
{
    status_t status = base.service ? OK : service_find("rtc", &base.service);
    if (status == OK)
        status = rtc_now(base.service, &base.seconds);
    if (status == E_PEER_DIED) /* the next one has been asked by nobody else */
        status = rtc_now(base.service, &base.seconds);
    base.uptime = uptime();
    if (status != OK)
        base.seconds = base.uptime / 1000;
    base.good = true;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    lock_acquire(&base.lock);
    if (!base.good || uptime() - base.uptime >= BASE_LIFE)
        set_base();
    uint32_t passed = uptime() - base.uptime;
    now->tv_sec = (time_t)base.seconds + passed / 1000;
    now->tv_usec = (suseconds_t)(passed % 1000 * 1000);
    lock_release(&base.lock);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    struct timeval date;
    if (clock == CLOCK_MONOTONIC) {
        uint32_t milliseconds = uptime();
        *now = (struct timespec){ milliseconds / 1000, (long)(milliseconds % 1000 * 1000000) };
        return 0;
    }
    if (clock != CLOCK_REALTIME)
        return libc_failure(EINVAL);
    if (gettimeofday(&date, NULL) < 0)
        return -1;
    *now = (struct timespec){ date.tv_sec, date.tv_usec * 1000 };
    return 0;
}

/* In units of 1 / CLOCKS_PER_SEC. What services did for us is ours too. */
clock_t times(struct tms *times)
{
    uint32_t microseconds = 0;
    process_info(self_process(), PROCESS_CPU, &microseconds);
    *times = (struct tms){ .tms_utime = microseconds / (1000000u / CLOCKS_PER_SEC) };
    return uptime() / (1000u / CLOCKS_PER_SEC);
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    if (wanted->tv_sec < 0 || wanted->tv_nsec < 0 || wanted->tv_nsec >= 1000000000)
        return libc_failure(EINVAL);
    status_t status = sleep_microseconds(((uint32_t)wanted->tv_nsec + 999) / 1000);
    for (time_t seconds = wanted->tv_sec; status == OK && seconds > 0; seconds -= SLEEP_MOST)
        status = sleep_microseconds((uint32_t)(seconds < SLEEP_MOST ? seconds : SLEEP_MOST) * 1000000u);
    if (left)
        *left = (struct timespec){ 0, 0 };
    return libc_result(status);
}

int usleep(useconds_t microseconds)
{
    return nanosleep(&(struct timespec){ microseconds / 1000000, (long)(microseconds % 1000000 * 1000) }, NULL);
}

unsigned sleep(unsigned seconds)
{
    nanosleep(&(struct timespec){ seconds, 0 }, NULL);
    return 0;
}
