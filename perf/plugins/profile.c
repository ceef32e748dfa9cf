/* QEMU plugin: writes down what is executed, and what memory it touches, between two marks of the guest.
 *
 *      -plugin profile.so,begin=0x1a000100,end=0x1a000110,output=FILE
 *
 * `begin` and `end` are addresses of instructions. Each time that the first is executed a part of FILE begins, "begin"; each time
 * that the second is, it ends. Its lines, in the order of execution:
 *
 *      i ADDRESS WHERE BYTES       an instruction; it is here once per turn when it repeats itself
 *      r ADDRESS WHERE SIZE        a load of the instruction before, by itself or by the CPU on its behalf
 *      w ADDRESS WHERE SIZE        a store
 *
 * ADDRESS is virtual; WHERE tells one physical place from another, of instructions and of data apart. What the CPU reads of page
 * tables is not seen. perf/profiler.py counts. */
#include "plugin.h"

#define BYTES_MAX 16

struct instruction { /* as it was translated; QEMU may come back to it for ever, so it is never freed */
    uint32_t address;
    uintptr_t where;
    size_t size;
    uint8_t bytes[BYTES_MAX];
};

EXPORTED int qemu_plugin_version = 1;

static uint32_t begin, end;
static FILE *output;
static int recording;

static void begins(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    recording = 1;
    fprintf(output, "begin\n");
}

static void ends(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    recording = 0;
}

static void executed(unsigned int cpu, void *data)
{
    const struct instruction *instruction = data;
    (void)cpu;
    if (!recording)
        return;
    fprintf(output, "i %x %llx ", instruction->address, (unsigned long long)instruction->where);
    for (size_t i = 0; i < instruction->size; i++)
        fprintf(output, "%02x", instruction->bytes[i]);
    fputc('\n', output);
}

static void accessed(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *unused)
{
    (void)cpu;
    (void)unused;
    if (!recording)
        return;
    struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, address);
    fprintf(output, "%c %x %llx %u\n", qemu_plugin_mem_is_store(info) ? 'w' : 'r', (uint32_t)address,
            where ? (unsigned long long)qemu_plugin_hwaddr_phys_addr(where) : 0, 1u << qemu_plugin_mem_size_shift(info));
}

static struct instruction *describe(struct qemu_plugin_insn *translated)
{
    struct instruction *instruction = calloc(1, sizeof(*instruction));
    instruction->address = (uint32_t)qemu_plugin_insn_vaddr(translated);
    instruction->where = (uintptr_t)qemu_plugin_insn_haddr(translated);
    instruction->size = qemu_plugin_insn_size(translated);
    if (instruction->size > BYTES_MAX)
        instruction->size = BYTES_MAX;
    memcpy(instruction->bytes, qemu_plugin_insn_data(translated), instruction->size);
    return instruction;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint32_t address = (uint32_t)qemu_plugin_insn_vaddr(instruction);
        if (address == begin || address == end)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, address == begin ? begins : ends, QEMU_PLUGIN_CB_NO_REGS, NULL);
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, executed, QEMU_PLUGIN_CB_NO_REGS, describe(instruction));
        qemu_plugin_register_vcpu_mem_cb(instruction, accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    }
}

static void ended(qemu_plugin_id_t id, void *unused)
{
    (void)id;
    (void)unused;
    if (fclose(output) != 0)
        perror("profile.so");
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    const char *path = plugin_argument("output", argc, argv);
    begin = (uint32_t)strtoul(plugin_argument("begin", argc, argv), NULL, 0);
    end = (uint32_t)strtoul(plugin_argument("end", argc, argv), NULL, 0);
    output = fopen(path, "w");
    if (!output) {
        perror(path);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
