/* block-test: asks the block service for everything, and prints TAP. The host made the disks and looks at them afterwards. */
#include "test.h"

handle_t block;
session_t session;
struct block_description unit;
uint32_t unit_number;

static uint32_t reported, failed;

void report(bool good, const char *name)
{
    reported++;
    failed += !good;
    print("%sok %u - %s\n", good ? "" : "not ", reported, name);
}

/* The host compares these lines with what it has put there. */
static void list_units(void)
{
    struct block_description description;
    uint32_t number, i;
    for (i = 0; block_units(block, i, &number) == OK; i++) {
        status_t status = describe(number, &description);
        print("unit 0x%x: %s first=%u sectors=%u read_only=%u name=\"%s\" status=%d\n", number, description.driver,
              (uint32_t)description.first, (uint32_t)description.sectors, description.read_only, description.model, status);
    }
    print("units: %u\n", i);
}

static const struct {
    const char *name;
    void (*run)(void);
} groups[] = {
    { "pci", pci_cases }, { "data", data_cases }, { "bad", bad_cases }, { "errors", error_cases }, { "restart", restart_cases },
    { "quiet", quiet_cases }, { "begin", start_cases },
};

/* cases=: names joined by commas. */
static bool wanted(const char *name)
{
    const char *list = argument("cases");
    for (; list && *list; list++)
        if (strncmp(list, name, strlen(name)) == 0)
            return true;
    return false;
}

static status_t start(void)
{
    status_t status = service_find("block", &block);
    if (status == OK)
        status = session_open(&session, block, SESSION_PAGES, PAGE_SIZE, RIGHT_DMA);
    return status;
}

static void run_groups(void)
{
    unit_number = argument_number("unit", 0);
    if (describe(unit_number, &unit) != OK && argument("cases"))
        report(false, "the unit under test is there");
    for (uint32_t i = 0; i < COUNT(groups); i++)
        if (wanted(groups[i].name))
            groups[i].run();
}

int main(void)
{
    if (argument("victim"))
        return argument_number("victim", 0) == 1 ? pci_victim() : quiet_victim();
    status_t status = start();
    if (status != OK) {
        print("not ok 1 - a session: %s\n1..1\n", status_text(status));
        return 1;
    }
    list_units();
    run_groups();
    report(true, "came to the end");
    print("1..%u\n", reported);
    return failed != 0;
}
