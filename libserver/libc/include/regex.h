/* newlib's, which uses off_t without having it. */
#include <sys/types.h>
#include_next <regex.h>
