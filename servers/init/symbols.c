/* Names for addresses in programs, from the boot module `symbols`, which tools/symbols makes. */
#include "service.h"

#define MODULE "symbols"
#define MAGIC 0x4D595350u /* "PSYM" */

struct symbol {
    uint32_t address;
    uint32_t name;          /* offset; the empty name says that code ends here */
};

struct symbols {
    uint32_t magic, count, name_bytes;
    struct symbol symbols[];    /* by address; the names follow, each ended by a 0 */
};

static const struct symbols *symbols; /* NULL: none */

static const char *names(void) { return (const char *)&symbols->symbols[symbols->count]; }

/* The last name ends inside the module, whatever the table says. */
static bool is_good(const struct symbols *found, uint32_t size)
{
    if (size < sizeof(*found) || found->magic != MAGIC || found->name_bytes == 0 || found->name_bytes > size ||
        found->count > size / sizeof(struct symbol) ||
        sizeof(*found) + found->count * sizeof(struct symbol) + found->name_bytes != size)
        return false;
    return ((const char *)found)[size - 1] == '\0';
}

/* It stays mapped: when something faults there may be no memory left. */
void symbols_prepare(void)
{
    const struct boot_module *module = module_find(MODULE, strlen(MODULE));
    void *address;
    if (!module || pages_map(module->memory, module_pages(module), PROTECT_READ, &address) != OK)
        return;
    if (is_good(address, module->size))
        symbols = address;
    else
        print("init: the module \"" MODULE "\" is no table of symbols\n");
}

/* The last symbol that is not behind the address. */
static const struct symbol *search(uint32_t address)
{
    uint32_t first = 0, end = symbols->count;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (symbols->symbols[middle].address <= address)
            first = middle + 1;
        else
            end = middle;
    }
    return first ? &symbols->symbols[first - 1] : NULL;
}

const char *symbol_find(uint32_t address, uint32_t *offset)
{
    const struct symbol *symbol = symbols ? search(address) : NULL;
    if (!symbol || symbol->name >= symbols->name_bytes || names()[symbol->name] == '\0')
        return NULL;
    *offset = address - symbol->address;
    return names() + symbol->name;
}
