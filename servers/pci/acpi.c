/* ACPI: from the root pointer in the BIOS area to the MCFG table, which says where configuration space is mapped. */
#include "bus.h"

#define BIOS_AREA 0xE0000u
#define BIOS_AREA_BYTES 0x20000u
#define TABLE_BYTES_MAX 0x10000u

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;            /* from here on: revision 2 */
    uint64_t xsdt;
    uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

#define RSDP_BYTES_1 20u

struct table {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct mcfg {
    struct table header;
    uint64_t reserved;
    struct {
        uint64_t base;
        uint16_t segment;
        uint8_t first_bus, last_bus;
        uint32_t reserved;
    } __attribute__((packed)) windows[];
} __attribute__((packed));

static bool adds_up(const void *bytes, uint32_t count)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
    return sum == 0;
}

static bool find_rsdp(struct rsdp *found)
{
    const uint8_t *area = (const uint8_t *)physical_map(BIOS_AREA, BIOS_AREA_BYTES);
    bool is_found = false;
    for (uint32_t at = 0; area && at + sizeof(*found) <= BIOS_AREA_BYTES && !is_found; at += 16) {
        memcpy(found, area + at, sizeof(*found));
        is_found = memcmp(found->signature, "RSD PTR ", sizeof(found->signature)) == 0 && adds_up(found, RSDP_BYTES_1);
    }
    if (area)
        physical_unmap((volatile void *)area, BIOS_AREA_BYTES);
    return is_found;
}

static bool has_xsdt(const struct rsdp *rsdp)
{
    return rsdp->revision >= 2 && rsdp->length >= sizeof(*rsdp) && rsdp->xsdt != 0 && adds_up(rsdp, sizeof(*rsdp));
}

/* NULL unless its signature, length and checksum are right. */
static const struct table *table_map(uint64_t address, const char *signature)
{
    struct table *table = (struct table *)physical_map(address, sizeof(*table));
    if (!table)
        return NULL;
    uint32_t length = table->length;
    bool wanted = memcmp(table->signature, signature, sizeof(table->signature)) == 0 && length >= sizeof(*table) &&
                  length <= TABLE_BYTES_MAX;
    physical_unmap(table, sizeof(*table));
    table = wanted ? (struct table *)physical_map(address, length) : NULL;
    if (!table || adds_up(table, length))
        return table;
    physical_unmap(table, length);
    return NULL;
}

static void table_unmap(const struct table *table)
{
    physical_unmap((volatile void *)table, table->length);
}

static bool read_mcfg(const struct mcfg *mcfg, struct ecam *ecam)
{
    uint32_t count = mcfg->header.length < sizeof(*mcfg) ? 0
                     : (mcfg->header.length - (uint32_t)sizeof(*mcfg)) / (uint32_t)sizeof(mcfg->windows[0]);
    for (uint32_t i = 0; i < count; i++) {
        *ecam = (struct ecam){ mcfg->windows[i].base, mcfg->windows[i].first_bus, mcfg->windows[i].last_bus };
        if (mcfg->windows[i].segment == 0 && ecam->base % PAGE_SIZE == 0 && ecam->first_bus <= ecam->last_bus)
            return true;
    }
    return false;
}

/* `width`: bytes of an entry, 4 in the RSDT and 8 in the XSDT. */
static bool search(const struct table *root, uint32_t width, struct ecam *ecam)
{
    bool found = false;
    for (uint32_t at = sizeof(*root); at + width <= root->length && !found; at += width) {
        uint64_t address = 0;
        memcpy(&address, (const uint8_t *)root + at, width);
        const struct table *table = table_map(address, "MCFG");
        if (!table)
            continue;
        found = read_mcfg((const struct mcfg *)table, ecam);
        table_unmap(table);
    }
    return found;
}

bool acpi_find_ecam(struct ecam *ecam)
{
    struct rsdp rsdp;
    if (!find_rsdp(&rsdp))
        return false;
    bool extended = has_xsdt(&rsdp);
    const struct table *root = extended ? table_map(rsdp.xsdt, "XSDT") : table_map(rsdp.rsdt, "RSDT");
    if (!root)
        return false;
    bool found = search(root, extended ? sizeof(rsdp.xsdt) : sizeof(rsdp.rsdt), ecam);
    table_unmap(root);
    return found;
}
