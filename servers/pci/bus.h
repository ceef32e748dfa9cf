/* What the files of the PCI service know of the machine's devices, and what they ask of each other. */
#ifndef BUS_H
#define BUS_H

#include <server.h>

#include "pci.h"

#define DEVICES_MAX 128u
#define BARS 6u
#define CHANNELS 2u             /* interrupts of one device: an IDE controller in compatibility mode has two */
#define LINE_NONE 0xFFu

/* Offsets in configuration space. */
#define CONFIG_ID 0x00u
#define CONFIG_COMMAND 0x04u
#define CONFIG_CLASS 0x08u
#define CONFIG_HEADER 0x0Cu
#define CONFIG_BAR 0x10u
#define CONFIG_BUSES 0x18u      /* of a bridge */
#define CONFIG_INTERRUPT 0x3Cu

#define COMMAND_DECODE (PCI_ENABLE_IO | PCI_ENABLE_MEMORY)
#define COMMAND_INTERRUPT_OFF 0x400u

enum bar_kind { BAR_NONE, BAR_PORTS, BAR_MEMORY };

struct bar {
    enum bar_kind kind;
    uint64_t first, size;       /* first port or physical address */
};

struct channel {                /* of a claimed device */
    handle_t notification;      /* HANDLE_NONE: its driver has not asked for it */
    bool pending;               /* signalled, and the driver has not said that it is done */
};

struct device {
    uint32_t address;           /* as in pci.h */
    uint32_t id;                /* device << 16 | vendor */
    uint32_t class_code;        /* class << 16 | subclass << 8 | programming interface */
    struct bar bars[BARS];
    uint8_t lines[CHANNELS];
    uint32_t owner;             /* badge of its driver; 0: nobody drives it */
    handle_t process;           /* of the driver */
    struct channel channels[CHANNELS];
};

extern struct device devices[DEVICES_MAX];
extern uint32_t device_count;
/* Guards the devices, the lines and the ports of configuration mechanism 1. */
extern struct lock bus_lock;

struct device *device_find(uint32_t address);

/* ---- config.c ---- */
/* False when the machine has no PCI. */
bool config_start(void);
/* To be called once for each bus before its devices are looked at. */
void config_open_bus(uint32_t bus);
/* Bytes of configuration space that can be read on this bus. */
uint32_t config_size(uint32_t bus);
uint32_t config_read(uint32_t address, uint32_t offset);
void config_write(uint32_t address, uint32_t offset, uint32_t value);
/* The status register in the upper half keeps its bits: only ones clear them. */
void config_command(uint32_t address, uint32_t command);

/* ---- acpi.c ---- */
struct ecam {
    uint64_t base;              /* of bus 0, whether or not it is served */
    uint32_t first_bus, last_bus;
};
/* Finds the window to the configuration space of segment 0 in ACPI's MCFG table. */
bool acpi_find_ecam(struct ecam *ecam);

/* ---- physical.c ---- */
/* A view of physical memory that is not RAM; NULL when there is none to be had. */
volatile void *physical_map(uint64_t address, uint32_t bytes);
void physical_unmap(volatile void *view, uint32_t bytes);

/* ---- scan.c ---- */
void scan_all(void);

/* ---- bar.c ---- */
void bars_read(struct device *device);
/* A handle of the range, to be moved to the driver. */
status_t bar_handle(const struct device *device, uint32_t number, handle_t *handle);

/* ---- claim.c: the caller holds bus_lock ---- */
bool may_drive(uint32_t badge, const struct device *device);
/* `process` is ours to close, whatever comes of it. */
status_t claim(struct device *device, uint32_t badge, handle_t process);
/* Gives up every claim of a process that has ended. */
void release_dead(void);

/* ---- interrupt.c: the caller holds bus_lock ---- */
/* Begins to wait for interrupts and for the ends of drivers. */
status_t interrupts_start(void);
/* Tells of the end of a process. */
status_t interrupts_watch(handle_t process);
status_t interrupt_attach(struct device *device, uint32_t channel, handle_t *handle);
status_t interrupt_done(struct device *device, uint32_t channel);
void interrupt_detach(struct device *device, uint32_t channel);

#endif
