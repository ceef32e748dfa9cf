/* Virtio by PCI: the legacy registers in ports and the modern ones in memory, behind one set of functions. */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "device.h"

#define VIRTIO_ACKNOWLEDGE 1u   /* device status */
#define VIRTIO_DRIVER 2u
#define VIRTIO_DRIVER_OK 4u
#define VIRTIO_FEATURES_OK 8u
#define VIRTIO_F_VERSION_1 (1ull << 32)

struct virtio {
    bool modern;
    uint16_t port;                          /* legacy */
    volatile uint8_t *common, *isr, *config, *notify; /* modern */
    uint32_t notify_multiplier;
    volatile uint16_t *notify_queue;        /* of queue 0 */
};

struct virtqueue_places {                   /* physical */
    uint64_t descriptors, available, used;
};

/* Finds the registers of a claimed device. E_NOT_SUPPORTED. */
status_t virtio_registers(const struct pci_device *device, struct virtio *virtio);
uint64_t virtio_features(const struct virtio *virtio);
void virtio_accept_features(const struct virtio *virtio, uint64_t features);
uint8_t virtio_status(const struct virtio *virtio);
void virtio_set_status(const struct virtio *virtio, uint8_t status);
/* Entries of queue 0; 0: there is none. */
uint16_t virtio_queue_size(const struct virtio *virtio);
void virtio_queue_enable(struct virtio *virtio, uint16_t size, const struct virtqueue_places *places);
/* Tells the device that queue 0 has something new. */
void virtio_notify(const struct virtio *virtio);
/* Reads and clears the cause of the interrupt. */
uint8_t virtio_isr(const struct virtio *virtio);
/* A DWORD of the device's own configuration. */
uint32_t virtio_config(const struct virtio *virtio, uint32_t offset);

#endif
