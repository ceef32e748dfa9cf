/* The gates with every register under control: the same as in the test program. */
#include "tests/guest/raw.c"
