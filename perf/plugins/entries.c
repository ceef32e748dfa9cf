/* QEMU plugin: how many instructions are executed with interrupts off, from each entry into the kernel to its exit.
 *
 *      -plugin entries.so,begin=0xc0100000,end=0xc0110000,places=FILE,output=FILE
 *
 * Each line of `places` is "address role name". Role `entry`: the kernel is entered there. Role `part`: whoever comes by there
 * first since the entry gives it the longer name, "entry/name". `output` gets lines "name instructions times".
 *
 * STI, IRET and SYSEXIT end what an entry began, and CLI begins more of the same: so a handler that lets interrupts in counts as
 * several, each of its own length. An entry inside another one - the CPU's exception for an FPU that is denied, or for a null
 * selector - is part of that one. An instruction that repeats itself counts once per turn, as under icount. */
#include "plugin.h"

#define IRET 0xCF
#define STI 0xFB
#define CLI 0xFA
#define SYSEXIT 0x350F
#define NAME_BYTES 96
#define PLACES_MAX 1024

struct place {
    uint32_t address;
    int is_part;
    char name[NAME_BYTES];
};

struct kind { /* of entry: a histogram, for each number of instructions how often it was */
    char name[2 * NAME_BYTES];
    uint64_t *times;
    size_t size;
    struct kind *next;
};

EXPORTED int qemu_plugin_version = 1;

static uint32_t begin, end;
static const char *output;
static struct place places[PLACES_MAX];
static size_t place_count;
static struct kind *kinds;

static uint64_t counter;                        /* instructions of the kernel so far */
static const struct place *entered, *passed;    /* of what runs or ran last; NULL: none */
static uint64_t entered_at, left_at;
static int left;                                /* interrupts were on since */

static struct kind *kind_of(const char *name)
{
    for (struct kind *kind = kinds; kind; kind = kind->next)
        if (strcmp(kind->name, name) == 0)
            return kind;
    struct kind *kind = calloc(1, sizeof(*kind));
    strcpy(kind->name, name);
    kind->next = kinds;
    return kinds = kind;
}

static void record(void)
{
    char name[2 * NAME_BYTES];
    uint64_t length = left_at - entered_at;
    if (!entered)
        return;
    snprintf(name, sizeof(name), "%s%s%s", entered->name, passed ? "/" : "", passed ? passed->name : "");
    struct kind *kind = kind_of(name);
    if (length >= kind->size) {
        kind->times = realloc(kind->times, (length + 1) * sizeof(*kind->times));
        memset(kind->times + kind->size, 0, (length + 1 - kind->size) * sizeof(*kind->times));
        kind->size = length + 1;
    }
    kind->times[length]++;
}

/* What ran before is known to be over only now: an exception inside the kernel leaves by IRET too, and it goes on. */
static void enters(unsigned int cpu, void *place)
{
    (void)cpu;
    if (entered && !left)
        return;
    record();
    entered = place;
    passed = NULL;
    entered_at = counter;
    left = 0;
}

static void goes_on(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    if (!left)
        return;
    record();
    entered_at = counter;
    left = 0;
}

static void passes(unsigned int cpu, void *place)
{
    (void)cpu;
    if (!passed)
        passed = place;
}

static void leaves(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    left_at = counter + 1;
    left = 1;
}

static void watch_place(struct qemu_plugin_insn *instruction, uint32_t address)
{
    for (size_t i = 0; i < place_count; i++)
        if (places[i].address == address)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, places[i].is_part ? passes : enters, QEMU_PLUGIN_CB_NO_REGS,
                                                   &places[i]);
}

static void watch_flag(struct qemu_plugin_insn *instruction)
{
    const uint8_t *code = qemu_plugin_insn_data(instruction);
    size_t size = qemu_plugin_insn_size(instruction);
    if ((size == 1 && (code[0] == IRET || code[0] == STI)) || (size == 2 && (code[0] | code[1] << 8) == SYSEXIT))
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, leaves, QEMU_PLUGIN_CB_NO_REGS, NULL);
    if (size == 1 && code[0] == CLI)
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, goes_on, QEMU_PLUGIN_CB_NO_REGS, NULL);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint32_t address = (uint32_t)qemu_plugin_insn_vaddr(instruction);
        if (address < begin || address >= end)
            continue;
        watch_place(instruction, address);
        watch_flag(instruction);
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64, &counter, 1);
    }
}

static void ended(qemu_plugin_id_t id, void *unused)
{
    FILE *file = fopen(output, "w");
    (void)id;
    (void)unused;
    record();
    for (const struct kind *kind = kinds; file && kind; kind = kind->next)
        for (size_t length = 0; length < kind->size; length++)
            if (kind->times[length])
                fprintf(file, "%s %zu %llu\n", kind->name, length, (unsigned long long)kind->times[length]);
    if (!file || fclose(file) != 0)
        perror(output);
}

static int read_places(const char *path)
{
    char role[16];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 0;
    }
    for (struct place *place = places; place_count < PLACES_MAX; place++, place_count++) {
        if (fscanf(file, "%x %15s %95s", &place->address, role, place->name) != 3)
            break;
        place->is_part = strcmp(role, "part") == 0;
    }
    fclose(file);
    return place_count > 0;
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    begin = (uint32_t)strtoul(plugin_argument("begin", argc, argv), NULL, 0);
    end = (uint32_t)strtoul(plugin_argument("end", argc, argv), NULL, 0);
    output = plugin_argument("output", argc, argv);
    if (!read_places(plugin_argument("places", argc, argv)))
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
