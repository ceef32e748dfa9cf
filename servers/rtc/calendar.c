/* The calendar: what the CMOS clock shows, as seconds since 1970-01-01 00:00 UTC. */
#include "calendar.h"

#define HOUR_PM 0x80u
#define SECONDS_PER_DAY 86400u

static uint32_t number_of(const struct clock_registers *registers, uint8_t value)
{
    return registers->status & CLOCK_BINARY ? value : (uint32_t)(value >> 4) * 10 + (value & 15);
}

/* 12 am is midnight, and 12 pm is noon. */
static uint32_t hour_of(const struct clock_registers *registers)
{
    if (registers->status & CLOCK_24_HOURS)
        return number_of(registers, registers->hour);
    uint32_t hour = number_of(registers, registers->hour & ~HOUR_PM) % 12;
    return registers->hour & HOUR_PM ? hour + 12 : hour;
}

/* The year begins in March here, so that the leap day is its last. */
static uint32_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t shifted_year = month > 2 ? year : year - 1, shifted_month = month > 2 ? month - 3 : month + 9;
    uint32_t days = shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    return days + (shifted_month * 153 + 2) / 5 + day - 1 - 719468;
}

uint32_t calendar_seconds(const struct clock_registers *registers)
{
    uint32_t year = number_of(registers, registers->year);
    uint32_t days = days_since_1970(year + (year < 70 ? 2000 : 1900), number_of(registers, registers->month),
                                    number_of(registers, registers->day));
    return days * SECONDS_PER_DAY + hour_of(registers) * 3600 + number_of(registers, registers->minute) * 60 +
           number_of(registers, registers->second);
}
