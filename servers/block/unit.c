/* What clients can name: whole disks and their partitions. */
#include "disk.h"

#define UNITS_MAX 128u

static struct unit units[UNITS_MAX];
static uint32_t unit_count;

static bool refuse(const struct unit *unit, const char *why)
{
    print("%s: disk %u: partition %u %s: left out\n", program_name(), unit->number >> 8, unit->number & 0xFF, why);
    return false;
}

static bool overlaps(const struct unit *a, const struct unit *b)
{
    bool both_partitions = (a->number & 0xFF) && (b->number & 0xFF);
    return both_partitions && a->disk == b->disk && a->first < b->first + b->sectors && b->first < a->first + a->sectors;
}

bool unit_add(const struct unit *unit)
{
    if (unit->sectors == 0 || unit->first >= unit->disk->sectors || unit->sectors > unit->disk->sectors - unit->first)
        return refuse(unit, "does not lie on the disk");
    for (uint32_t i = 0; i < unit_count; i++)
        if (overlaps(&units[i], unit))
            return refuse(unit, "overlaps another");
    if (unit_count == UNITS_MAX)
        return refuse(unit, "is one unit too many");
    units[unit_count++] = *unit;
    return true;
}

const struct unit *unit_find(uint32_t number)
{
    for (uint32_t i = 0; i < unit_count; i++)
        if (units[i].number == number)
            return &units[i];
    return NULL;
}

const struct unit *unit_at(uint32_t index)
{
    return index < unit_count ? &units[index] : NULL;
}
