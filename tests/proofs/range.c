/* Range checks: what they let through lies inside, for every argument, and nothing that lies inside is refused. */
#include "proof.h"
#include "postern.h"

/*@ assigns \nothing;
    ensures \result <==> count > 0 && outer_first <= first && first + count <= outer_first + outer_count; */
static bool within(uint32_t first, uint32_t count, uint32_t outer_first, uint32_t outer_count);

/*@ assigns \nothing;
    ensures \result == OK <==> pages > 0 && address % PAGE_SIZE == 0 && USER_BOTTOM <= address &&
            address + pages * PAGE_SIZE <= USER_TOP;
    ensures \result == OK ==> address + pages * PAGE_SIZE <= UINT32_MAX; */
static status_t check_range(uint32_t address, uint32_t pages);

/*@ assigns \nothing;
    ensures \result <==> (protection & PROTECT_READ) != 0 &&
            ((protection & PROTECT_WRITE) == 0 || (protection & PROTECT_EXECUTE) == 0) &&
            (protection & ~(PROTECT_READ | PROTECT_WRITE | PROTECT_EXECUTE)) == 0; */
static bool protection_is_sane(uint32_t protection);

#include "../../kernel/mapping.c"
#include "../../kernel/syscalls_event.c"
