/* Error texts, from abi/errors.def. */
#include <server.h>

const char *status_text(status_t status)
{
    switch (status) {
#define ERROR(number, name, text) case number: return #name ": " text;
#include <errors.def>
#undef ERROR
    default: return "unknown status";
    }
}
