/* mount, umount, sync, df, free, uptime, date, dmesg, lspci: the system and its devices. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <server.h>
#include <servers/log/log.h>
#include <servers/pci/pci.h>

#include "utilities.h"

#define KIB_PER_FRAME (PAGE_SIZE / 1024)

static unsigned fact(uint32_t which)
{
    uint32_t value = 0;
    system_info(which, &value);
    return (unsigned)value;
}

/* ---- file systems ---- */

static int list_mounts(void)
{
    struct mounted mounted;
    for (unsigned i = 0; getmounted(i, &mounted) == 0; i++)
        printf("%s:%s on %s (%s)\n", mounted.type, mounted.source, mounted.path,
               mounted.flags & MS_RDONLY ? "read-only" : "read and write");
    return 0;
}

int mount_main(int count, char **arguments)
{
    bool read_only;
    if (!take_options(&count, &arguments, "r", &read_only))
        return 2;
    if (count == 0)
        return list_mounts();
    char *colon = strchr(arguments[0], ':');
    if (count != 2 || !colon)
        return usage();
    *colon = '\0';
    return mount(colon + 1, arguments[1], arguments[0], read_only ? MS_RDONLY : 0) == 0 ? 0 : complain(arguments[1]);
}

int umount_main(int count, char **arguments)
{
    int worst = 0;
    for (int i = 0; i < count; i++)
        worst |= umount(arguments[i]) == 0 ? 0 : complain(arguments[i]);
    return count ? worst : usage();
}

int sync_main(int count, char **arguments)
{
    (void)arguments;
    if (count)
        return usage();
    errno = 0;
    sync();
    return errno ? complain("sync") : 0;
}

int df_main(int count, char **arguments)
{
    struct mounted mounted;
    struct statvfs statistics;
    (void)arguments;
    if (count)
        return usage();
    printf("%-24s %10s %10s %10s  %s\n", "file system", "KiB", "used", "free", "on");
    for (unsigned i = 0; getmounted(i, &mounted) == 0; i++) {
        char source[96];
        if (statvfs(mounted.path, &statistics) != 0)
            return complain(mounted.path);
        unsigned long scale = statistics.f_frsize / 512;
        snprintf(source, sizeof(source), "%s:%s", mounted.type, mounted.source);
        printf("%-24s %10lu %10lu %10lu  %s\n", source, (unsigned long)statistics.f_blocks * scale / 2,
               (unsigned long)(statistics.f_blocks - statistics.f_bfree) * scale / 2,
               (unsigned long)statistics.f_bfree * scale / 2, mounted.path);
    }
    return 0;
}

/* ---- the machine ---- */

int free_main(int count, char **arguments)
{
    (void)arguments;
    unsigned total = fact(INFO_FRAMES_TOTAL) * KIB_PER_FRAME, unused = fact(INFO_FRAMES_FREE) * KIB_PER_FRAME;
    if (count)
        return usage();
    printf("%u KiB of memory: %u in use, %u free\n", total, total - unused, unused);
    return 0;
}

int uptime_main(int count, char **arguments)
{
    unsigned milliseconds = fact(INFO_UPTIME_MS), seconds = milliseconds / 1000;
    (void)arguments;
    if (count)
        return usage();
    printf("up %u:%02u:%02u.%03u, %u processes, %u threads (%u ever made), %u switches, %u interrupts\n", seconds / 3600,
           seconds / 60 % 60, seconds % 60, milliseconds % 1000, fact(INFO_PROCESSES_ALIVE), fact(INFO_THREADS_ALIVE),
           fact(INFO_THREADS_CREATED), fact(INFO_SWITCHES), fact(INFO_INTERRUPTS));
    return 0;
}

int date_main(int count, char **arguments)
{
    char text[40];
    time_t now = time(NULL);
    (void)arguments;
    if (count)
        return usage();
    strftime(text, sizeof(text), "%a %Y-%m-%d %H:%M:%S UTC", gmtime(&now));
    puts(text);
    return 0;
}

int dmesg_main(int count, char **arguments)
{
    handle_t endpoint;
    session_t session;
    uint32_t bytes;
    (void)arguments;
    if (count)
        return usage();
    status_t status = service_find("log", &endpoint);
    if (status == OK)
        status = session_open(&session, endpoint, 1, LOG_SLOT, 0);
    if (status != OK)
        return complain_of("log", status_text(status));
    *(uint32_t *)session_slot(&session, 0) = 0;
    while ((status = log_read(endpoint, 0, &bytes)) == OK && bytes > 0)
        fwrite((char *)session_slot(&session, 0) + sizeof(uint32_t), 1, bytes, stdout);
    return status == OK ? 0 : complain_of("log", status_text(status));
}

/* ---- lspci ---- */

#define OFFSET(bytes) ((uint32_t)(bytes) << 16)
#define IDENTITY 0x00
#define CLASS 0x08

static const char *class_name(uint32_t class)
{
    static const struct {
        uint32_t class;
        const char *name;
    } names[] = {
        { 0x0100, "SCSI or virtio disk" }, { 0x0101, "IDE controller" },  { 0x0106, "SATA controller" },
        { 0x0180, "disk" },                { 0x0200, "Ethernet" },        { 0x0300, "VGA" },
        { 0x0401, "audio" },               { 0x0403, "audio" },           { 0x0600, "host bridge" },
        { 0x0601, "ISA bridge" },          { 0x0604, "PCI bridge" },      { 0x0680, "bridge" },
        { 0x0C03, "USB controller" },      { 0x0C05, "SMBus" },           { 0x00FF, "other" },
    };
    for (uint32_t i = 0; i < COUNT(names); i++)
        if (names[i].class == class)
            return names[i].name;
    return "unknown class";
}

static void show_device(handle_t pci, uint32_t address)
{
    uint32_t identity = 0, class = 0;
    service_call(pci, PCI_READ, address | OFFSET(IDENTITY), &identity);
    service_call(pci, PCI_READ, address | OFFSET(CLASS), &class);
    printf("%02x:%02x.%x %04x:%04x class %04x, %s\n", (unsigned)(address >> 8), (unsigned)(address >> 3 & 31),
           (unsigned)(address & 7), (unsigned)(identity & 0xFFFF), (unsigned)(identity >> 16), (unsigned)(class >> 16),
           class_name(class >> 16));
}

int lspci_main(int count, char **arguments)
{
    handle_t pci;
    uint32_t address;
    (void)arguments;
    if (count)
        return usage();
    status_t status = service_find("pci", &pci);
    if (status != OK)
        return complain_of("pci", status_text(status));
    for (uint32_t i = 0; service_call(pci, PCI_FIND, i, &address) == OK; i++)
        show_device(pci, address);
    return 0;
}
