/* Virtio registers: in ports (legacy), or in memory where capabilities say (modern). Virtio 1.1, section 4.1. */
#include "virtio.h"

/* Legacy: offsets from BAR 0. */
#define DEVICE_FEATURES 0x00u
#define GUEST_FEATURES 0x04u
#define QUEUE_ADDRESS 0x08u
#define QUEUE_SIZE 0x0Cu
#define QUEUE_SELECT 0x0Eu
#define QUEUE_NOTIFY 0x10u
#define DEVICE_STATUS 0x12u
#define ISR_STATUS 0x13u
#define DEVICE_CONFIG 0x14u     /* without MSI-X */

/* Modern: struct virtio_pci_common_cfg. */
#define DEVICE_FEATURE_SELECT 0x00u
#define DEVICE_FEATURE 0x04u
#define DRIVER_FEATURE_SELECT 0x08u
#define DRIVER_FEATURE 0x0Cu
#define COMMON_STATUS 0x14u
#define COMMON_QUEUE_SELECT 0x16u
#define COMMON_QUEUE_SIZE 0x18u
#define QUEUE_ENABLE 0x1Cu
#define QUEUE_NOTIFY_OFF 0x1Eu
#define QUEUE_DESC 0x20u
#define QUEUE_DRIVER 0x28u
#define QUEUE_DEVICE 0x30u
#define COMMON_BYTES 0x38u

#define CONFIG_STATUS 0x04u
#define STATUS_CAPABILITIES 0x100000u
#define CONFIG_CAPABILITIES 0x34u
#define CAPABILITY_VENDOR 0x09u
#define CAPABILITIES_MAX 48u
enum { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE, CFG_TYPES };

#define BARS 6u

static volatile uint8_t *byte_at(volatile uint8_t *base, uint32_t offset) { return base + offset; }
static volatile uint16_t *word_at(volatile uint8_t *base, uint32_t offset) { return (volatile uint16_t *)(base + offset); }
static volatile uint32_t *dword_at(volatile uint8_t *base, uint32_t offset) { return (volatile uint32_t *)(base + offset); }

/* ---- finding them ---- */

struct capability {
    uint32_t offset_in_config, bar, offset, length;
};

static bool capability_fits(const struct capability *capability, const struct pci_range *range, uint32_t least)
{
    return range->memory && capability->length >= least && capability->offset <= range->size &&
           capability->length <= range->size - capability->offset;
}

/* Keeps the first of each type, as the specification asks. */
static void read_capabilities(const struct pci_device *device, struct capability found[CFG_TYPES])
{
    uint32_t at = pci_read(device, CONFIG_STATUS) & STATUS_CAPABILITIES ? pci_read(device, CONFIG_CAPABILITIES) & 0xFC : 0;
    for (uint32_t i = 0; at && i < CAPABILITIES_MAX; i++) {
        uint32_t head = pci_read(device, at), type = head >> 24, bar = pci_read(device, at + 4) & 0xFF;
        if ((head & 0xFF) == CAPABILITY_VENDOR && type < CFG_TYPES && !found[type].offset_in_config && bar < BARS)
            found[type] = (struct capability){ at, bar, pci_read(device, at + 8), pci_read(device, at + 12) };
        at = head >> 8 & 0xFC;
    }
}

static volatile uint8_t *reach(const struct pci_device *device, const struct capability *capability, uint32_t least,
                               struct pci_range ranges[BARS])
{
    struct pci_range *range = &ranges[capability->bar];
    if (capability->offset_in_config == 0 || (range->size == 0 && pci_open_bar(device, capability->bar, range) != OK))
        return NULL;
    return capability_fits(capability, range, least) ? range->memory + capability->offset : NULL;
}

static bool find_modern(const struct pci_device *device, struct virtio *virtio)
{
    struct capability found[CFG_TYPES] = { 0 };
    struct pci_range ranges[BARS] = { 0 };
    read_capabilities(device, found);
    virtio->common = reach(device, &found[CFG_COMMON], COMMON_BYTES, ranges);
    virtio->notify = reach(device, &found[CFG_NOTIFY], 2, ranges);
    virtio->isr = reach(device, &found[CFG_ISR], 1, ranges);
    virtio->config = reach(device, &found[CFG_DEVICE], 16, ranges);
    if (!virtio->common || !virtio->notify || !virtio->isr || !virtio->config)
        return false;
    virtio->notify_multiplier = pci_read(device, found[CFG_NOTIFY].offset_in_config + 16);
    return true;
}

status_t virtio_registers(const struct pci_device *device, struct virtio *virtio)
{
    struct pci_range range;
    *virtio = (struct virtio){ .modern = false };
    virtio->modern = find_modern(device, virtio);
    if (virtio->modern)
        return OK;
    status_t status = pci_open_bar(device, 0, &range);
    virtio->port = range.port;
    return status == OK && !range.port ? E_NOT_SUPPORTED : status;
}

/* ---- using them ---- */

uint64_t virtio_features(const struct virtio *virtio)
{
    if (!virtio->modern)
        return in32(virtio->port + DEVICE_FEATURES);
    *dword_at(virtio->common, DEVICE_FEATURE_SELECT) = 1;
    uint64_t features = (uint64_t)*dword_at(virtio->common, DEVICE_FEATURE) << 32;
    *dword_at(virtio->common, DEVICE_FEATURE_SELECT) = 0;
    return features | *dword_at(virtio->common, DEVICE_FEATURE);
}

void virtio_accept_features(const struct virtio *virtio, uint64_t features)
{
    if (!virtio->modern) {
        out32(virtio->port + GUEST_FEATURES, (uint32_t)features);
        return;
    }
    for (uint32_t half = 0; half < 2; half++) {
        *dword_at(virtio->common, DRIVER_FEATURE_SELECT) = half;
        *dword_at(virtio->common, DRIVER_FEATURE) = (uint32_t)(features >> half * 32);
    }
}

uint8_t virtio_status(const struct virtio *virtio)
{
    return virtio->modern ? *byte_at(virtio->common, COMMON_STATUS) : in8(virtio->port + DEVICE_STATUS);
}

void virtio_set_status(const struct virtio *virtio, uint8_t status)
{
    if (virtio->modern)
        *byte_at(virtio->common, COMMON_STATUS) = status;
    else
        out8(virtio->port + DEVICE_STATUS, status);
}

uint16_t virtio_queue_size(const struct virtio *virtio)
{
    if (!virtio->modern) {
        out16(virtio->port + QUEUE_SELECT, 0);
        return in16(virtio->port + QUEUE_SIZE);
    }
    *word_at(virtio->common, COMMON_QUEUE_SELECT) = 0;
    return *word_at(virtio->common, COMMON_QUEUE_SIZE);
}

static void write_address(volatile uint8_t *common, uint32_t offset, uint64_t address)
{
    *dword_at(common, offset) = (uint32_t)address;
    *dword_at(common, offset + 4) = (uint32_t)(address >> 32);
}

/* A legacy device takes the size that it has, and knows the places from the first. */
void virtio_queue_enable(struct virtio *virtio, uint16_t size, const struct virtqueue_places *places)
{
    if (!virtio->modern) {
        out16(virtio->port + QUEUE_SELECT, 0);
        out32(virtio->port + QUEUE_ADDRESS, (uint32_t)(places->descriptors / PAGE_SIZE));
        return;
    }
    *word_at(virtio->common, COMMON_QUEUE_SELECT) = 0;
    *word_at(virtio->common, COMMON_QUEUE_SIZE) = size;
    write_address(virtio->common, QUEUE_DESC, places->descriptors);
    write_address(virtio->common, QUEUE_DRIVER, places->available);
    write_address(virtio->common, QUEUE_DEVICE, places->used);
    virtio->notify_queue = word_at(virtio->notify, *word_at(virtio->common, QUEUE_NOTIFY_OFF) * virtio->notify_multiplier);
    *word_at(virtio->common, QUEUE_ENABLE) = 1;
}

void virtio_notify(const struct virtio *virtio)
{
    if (virtio->modern)
        *virtio->notify_queue = 0;
    else
        out16(virtio->port + QUEUE_NOTIFY, 0);
}

uint8_t virtio_isr(const struct virtio *virtio)
{
    return virtio->modern ? *virtio->isr : in8(virtio->port + ISR_STATUS);
}

uint32_t virtio_config(const struct virtio *virtio, uint32_t offset)
{
    return virtio->modern ? *dword_at(virtio->config, offset) : in32((uint16_t)(virtio->port + DEVICE_CONFIG + offset));
}
