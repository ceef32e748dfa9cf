/* QEMU plugin: which instructions of an address range were executed.
 *
 *      -plugin executed.so,begin=0xc0100000,end=0xc0110000,output=FILE
 *
 * FILE gets one byte for each address, 1 where an instruction began that was executed. The kernel's first instructions run
 * at physical addresses, `begin` and `end` with the two highest bits cleared: they count for the same place. */
#include "perf/plugins/plugin.h"

#define KERNEL_BASE 0xC0000000u

EXPORTED int qemu_plugin_version = 1;

static uint32_t begin, end;
static const char *output;
static uint64_t *counters; /* one for each address */

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint32_t address = (uint32_t)qemu_plugin_insn_vaddr(instruction) | KERNEL_BASE;
        if (address >= begin && address < end)
            qemu_plugin_register_vcpu_insn_exec_inline(instruction, QEMU_PLUGIN_INLINE_ADD_U64, &counters[address - begin], 1);
    }
}

static void ended(qemu_plugin_id_t id, void *unused)
{
    FILE *file = fopen(output, "wb");
    (void)id;
    (void)unused;
    for (uint32_t i = 0; file && i < end - begin; i++)
        fputc(counters[i] != 0, file);
    if (!file || fclose(file) != 0)
        perror(output);
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    begin = (uint32_t)strtoul(plugin_argument("begin", argc, argv), NULL, 0);
    end = (uint32_t)strtoul(plugin_argument("end", argc, argv), NULL, 0);
    output = plugin_argument("output", argc, argv);
    counters = calloc(end - begin, sizeof(*counters));
    if (!counters)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
