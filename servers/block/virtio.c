/* virtio-blk: one queue of descriptors in memory, several requests in it at once. Virtio 1.1, sections 2.6 and 5.2. */
#include "disk.h"
#include "virtio.h"

#define FEATURE_SEG_MAX (1ull << 2)
#define FEATURE_RO (1ull << 5)
#define FEATURE_FLUSH (1ull << 9)
#define CONFIG_CAPACITY 0u
#define CONFIG_SEG_MAX 12u

#define QUEUE_ENTRIES_MAX 1024u
#define DESCRIPTORS_FRAME 2u    /* of a request, beside its data: header and status */
#define DESCRIPTOR_NEXT 1u
#define DESCRIPTOR_WRITE 2u     /* by the device */
#define RESET_MS 1000u

enum { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct available {
    uint16_t flags, index, ring[];
};

struct used {
    uint16_t flags, index;
    struct {
        uint32_t id, length;
    } ring[];
};

struct frame {                  /* of one request; the device reads the header and writes the status */
    uint32_t type, reserved;
    uint64_t sector;
    uint8_t status, unused[15];
};

struct virtio_disk {
    struct queue queue;         /* first: the queue's driver functions get its address */
    struct virtio virtio;
    uint64_t features;
    uint16_t entries;           /* of the virtqueue */
    uint16_t per_slot;          /* descriptors: slot n has [n * per_slot, (n + 1) * per_slot) */
    uint16_t used_seen;
    struct dma memory;          /* the virtqueue, then a frame for each slot */
    volatile struct descriptor *descriptors;
    volatile struct available *available;
    volatile struct used *used;
    volatile struct frame *frames;
};

/* ---- requests ---- */

static uint64_t physical(const struct virtio_disk *device, const volatile void *place)
{
    return device->memory.physical + (uint32_t)((const volatile uint8_t *)place - device->memory.base);
}

static uint32_t type_of(uint32_t operation)
{
    static const uint32_t types[] = { [BLOCK_READ] = TYPE_IN, [BLOCK_WRITE] = TYPE_OUT, [BLOCK_FLUSH] = TYPE_FLUSH };
    return types[operation];
}

static void describe(struct virtio_disk *device, uint32_t slot, const struct transfer *transfer)
{
    volatile struct frame *frame = &device->frames[slot];
    uint32_t first = slot * device->per_slot, at = first, left = transfer->count * BLOCK_SECTOR;
    uint16_t data = transfer->operation == BLOCK_READ ? DESCRIPTOR_NEXT | DESCRIPTOR_WRITE : DESCRIPTOR_NEXT;
    frame->type = type_of(transfer->operation);
    frame->sector = transfer->sector;
    frame->status = 0xFF;
    device->descriptors[at++] = (struct descriptor){ physical(device, frame), offsetof(struct frame, status), DESCRIPTOR_NEXT,
                                                     (uint16_t)(first + 1) };
    for (uint32_t i = 0; i < transfer->pages; i++, at++, left -= PAGE_SIZE)
        device->descriptors[at] = (struct descriptor){ (uint64_t)transfer->frames[i] * PAGE_SIZE,
                                                       left < PAGE_SIZE ? left : PAGE_SIZE, data, (uint16_t)(at + 1) };
    device->descriptors[at] = (struct descriptor){ physical(device, &frame->status), 1, DESCRIPTOR_WRITE, 0 };
}

static void virtio_start_request(struct queue *queue, uint32_t slot, const struct disk *disk, const struct transfer *transfer)
{
    struct virtio_disk *device = (struct virtio_disk *)queue;
    (void)disk;
    if (transfer->operation == BLOCK_FLUSH && !(device->features & FEATURE_FLUSH)) {
        queue_finish(queue, slot, OK); /* such a device caches no writes */
        return;
    }
    describe(device, slot, transfer);
    device->available->ring[device->available->index % device->entries] = (uint16_t)(slot * device->per_slot);
    order_stores();
    device->available->index++;
    virtio_notify(&device->virtio);
}

/* The device's numbers are not believed: only a slot that it has can end. */
static void virtio_ended(struct virtio_disk *device, uint32_t id)
{
    uint32_t slot = id / device->per_slot;
    if (id % device->per_slot == 0 && slot < device->queue.slots && device->queue.running & 1u << slot)
        queue_finish(&device->queue, slot, device->frames[slot].status == 0 ? OK : E_IO);
}

static void virtio_interrupt(struct queue *queue)
{
    struct virtio_disk *device = (struct virtio_disk *)queue;
    virtio_isr(&device->virtio);
    for (; device->used_seen != device->used->index; device->used_seen++)
        virtio_ended(device, device->used->ring[device->used_seen % device->entries].id);
}

/* ---- start and reset ---- */

static uint32_t used_at(uint32_t entries)
{
    uint32_t end = entries * sizeof(struct descriptor) + sizeof(struct available) + (entries + 1) * sizeof(uint16_t);
    return (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

static uint32_t frames_at(uint32_t entries)
{
    uint32_t end = used_at(entries) + sizeof(struct used) + entries * sizeof(((struct used *)0)->ring[0]) + sizeof(uint16_t);
    return (end + sizeof(struct frame) - 1) & ~(sizeof(struct frame) - 1);
}

static uint32_t pages_needed(uint32_t entries)
{
    return (frames_at(entries) + QUEUE_SLOTS * sizeof(struct frame) + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* The layout of a legacy device, which a modern one takes as well: what it writes begins on a page of its own. */
static void lay_out(struct virtio_disk *device)
{
    uint8_t *base = device->memory.base;
    device->descriptors = (volatile struct descriptor *)base;
    device->available = (volatile struct available *)(base + device->entries * sizeof(struct descriptor));
    device->used = (volatile struct used *)(base + used_at(device->entries));
    device->frames = (volatile struct frame *)(base + frames_at(device->entries));
}

static uint32_t read_status(const void *virtio)
{
    return virtio_status(virtio);
}

static bool virtio_silence(const struct virtio *virtio)
{
    virtio_set_status(virtio, 0);
    return await_bits(read_status, virtio, 0xFF, 0, RESET_MS);
}

/* From any state to one in which requests can be made. */
static status_t bring_up(struct virtio_disk *device)
{
    struct virtio *virtio = &device->virtio;
    if (!virtio_silence(virtio))
        return E_TIMED_OUT;
    virtio_set_status(virtio, VIRTIO_ACKNOWLEDGE);
    virtio_set_status(virtio, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    uint64_t wanted = FEATURE_SEG_MAX | FEATURE_RO | FEATURE_FLUSH | (virtio->modern ? VIRTIO_F_VERSION_1 : 0);
    device->features = virtio_features(virtio) & wanted;
    virtio_accept_features(virtio, device->features);
    uint8_t status = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | (virtio->modern ? VIRTIO_FEATURES_OK : 0);
    virtio_set_status(virtio, status);
    if (virtio->modern && !(virtio_status(virtio) & VIRTIO_FEATURES_OK))
        return E_NOT_SUPPORTED;
    device->entries = virtio_queue_size(virtio);
    return device->entries > DESCRIPTORS_FRAME && device->entries <= QUEUE_ENTRIES_MAX ? OK : E_NOT_SUPPORTED;
}

static void go(struct virtio_disk *device)
{
    memset(device->memory.base, 0, pages_needed(device->entries) * PAGE_SIZE);
    device->used_seen = 0;
    const struct virtqueue_places places = { physical(device, device->descriptors), physical(device, device->available),
                                             physical(device, device->used) };
    virtio_queue_enable(&device->virtio, device->entries, &places);
    virtio_set_status(&device->virtio, virtio_status(&device->virtio) | VIRTIO_DRIVER_OK);
}

static void virtio_reset(struct queue *queue)
{
    struct virtio_disk *device = (struct virtio_disk *)queue;
    uint16_t entries = device->entries;
    if (bring_up(device) == OK && device->entries == entries)
        go(device);
    else
        print("%s: a virtio disk did not come back from its reset\n", program_name());
}

/* ---- the disk ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A small queue has one slot with as many descriptors as there are. */
static void divide_queue(struct virtio_disk *device, struct disk *disk)
{
    disk->pages_most = least(BLOCK_PAGES, device->entries - DESCRIPTORS_FRAME);
    if (device->features & FEATURE_SEG_MAX)
        disk->pages_most = least(disk->pages_most, virtio_config(&device->virtio, CONFIG_SEG_MAX));
    device->per_slot = (uint16_t)(disk->pages_most + DESCRIPTORS_FRAME);
    device->queue.slots = least(QUEUE_SLOTS, device->entries / device->per_slot);
}

static status_t prepare(struct virtio_disk *device, const struct pci_device *pci, struct disk *disk)
{
    status_t status = virtio_registers(pci, &device->virtio);
    if (status == OK)
        status = bring_up(device);
    if (status == OK)
        status = dma_allocate(&device->memory, pages_needed(device->entries));
    if (status != OK)
        return status;
    lay_out(device);
    divide_queue(device, disk);
    if (disk->pages_most == 0)
        return E_NOT_SUPPORTED;
    status = queue_init(&device->queue);
    if (status == OK)
        status = pci_on_interrupt(pci, 0, queue_interrupt, &device->queue);
    return status;
}

static void add(struct virtio_disk *device, struct disk *disk)
{
    static const char *const models[] = { "virtio disk, legacy", "virtio disk, modern" };
    const char *model = models[device->virtio.modern];
    memcpy(disk->model, model, strlen(model));
    disk->sectors = virtio_config(&device->virtio, CONFIG_CAPACITY) |
                    (uint64_t)virtio_config(&device->virtio, CONFIG_CAPACITY + 4) << 32;
    disk->read_only = device->features & FEATURE_RO;
    go(device);
    disk_add(disk);
}

/* A device that was not reset goes off the bus again: it may still know the memory of an earlier life. */
static status_t open_claimed(struct virtio_disk *device, const struct pci_device *pci)
{
    struct disk disk = { .driver = "virtio-blk", .queue = &device->queue };
    device->queue = (struct queue){ .start = virtio_start_request, .interrupt = virtio_interrupt, .reset = virtio_reset,
                                    .pci = *pci, .name = "virtio disk" };
    status_t status = pci_enable(pci, PCI_ENABLE_IO | PCI_ENABLE_MEMORY | PCI_ENABLE_MASTER);
    if (status == OK)
        status = prepare(device, pci, &disk);
    if (status == OK)
        add(device, &disk);
    else
        pci_enable(pci, 0);
    return status;
}

void virtio_open(const struct pci_device *pci)
{
    struct virtio_disk *device = pages_allocate(sizeof(*device)); /* for as long as we live */
    status_t status = device ? pci_claim(pci) : E_NO_MEMORY;
    if (status == OK)
        status = open_claimed(device, pci);
    if (status != OK) {
        print("%s: virtio disk: %s\n", program_name(), status_text(status));
        disk_skip();
    }
}
