/* From the registers of the CMOS clock to seconds since 1970. */
#ifndef CALENDAR_H
#define CALENDAR_H

#include <stdint.h>

/* As the clock gives them: binary or BCD, of 24 or of 12 hours. */
struct clock_registers {
    uint8_t second, minute, hour, day, month, year;
    uint8_t status; /* register B: which of these it is */
};

#define CLOCK_24_HOURS 0x02u
#define CLOCK_BINARY 0x04u

/* A year of two digits lies between 1970 and 2069. */
uint32_t calendar_seconds(const struct clock_registers *registers);

#endif
