/* Who may drive which device, and who does: a claim ends with the process of its driver. */
#include "bus.h"

/* ---- drivers=BADGE:VENDOR:DEVICE,BADGE:class:CCSS,...: the badge in decimal, all else in hexadecimal ---- */

static uint32_t digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (uint32_t)(digit - '0');
    return (digit | 0x20) >= 'a' && (digit | 0x20) <= 'f' ? (uint32_t)((digit | 0x20) - 'a') + 10 : UINT32_MAX;
}

static uint32_t take_number(const char **text, uint32_t base)
{
    uint32_t number = 0;
    for (; digit_value(**text) < base; (*text)++)
        number = number * base + digit_value(**text);
    if (**text == ':')
        (*text)++;
    return number;
}

static bool item_allows(const char *item, uint32_t badge, const struct device *device)
{
    static const char class_word[] = "class:";
    if (take_number(&item, 10) != badge)
        return false;
    if (strncmp(item, class_word, sizeof(class_word) - 1) == 0) {
        item += sizeof(class_word) - 1;
        return take_number(&item, 16) == device->class_code >> 8;
    }
    uint32_t vendor = take_number(&item, 16);
    return (take_number(&item, 16) << 16 | vendor) == device->id;
}

bool may_drive(uint32_t badge, const struct device *device)
{
    const char *item = argument("drivers");
    while (item && *item) {
        if (item_allows(item, badge, device))
            return true;
        while (*item && *item++ != ',')
            continue;
    }
    return false;
}

/* ---- claims ---- */

static bool is_alive(handle_t process)
{
    uint32_t alive = 0;
    process_info(process, PROCESS_ALIVE, &alive);
    return alive;
}

/* Nothing that the last driver began goes on. */
static void silence(const struct device *device)
{
    uint32_t command = config_read(device->address, CONFIG_COMMAND);
    config_command(device->address, (command & ~PCI_ENABLE_MASTER) | COMMAND_INTERRUPT_OFF);
}

static void release(struct device *device)
{
    silence(device);
    for (uint32_t i = 0; i < CHANNELS; i++)
        interrupt_detach(device, i);
    handle_close(device->process);
    device->process = HANDLE_NONE;
    device->owner = 0;
}

void release_dead(void)
{
    for (uint32_t i = 0; i < device_count; i++)
        if (devices[i].owner && !is_alive(devices[i].process))
            release(&devices[i]);
}

status_t claim(struct device *device, uint32_t badge, handle_t process)
{
    release_dead(); /* a restarted driver may be faster than the news of its end */
    if (process == HANDLE_NONE) /* which would name ourselves */
        return E_BAD_HANDLE;
    status_t status = device->owner ? E_BUSY : interrupts_watch(process);
    if (status != OK) {
        handle_close(process);
        return status;
    }
    silence(device);
    device->owner = badge;
    device->process = process;
    return OK;
}
