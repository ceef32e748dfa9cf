/* What all proofs share: an assertion of the kernel is something to prove, so nobody may ever reach panic(). */
#ifndef TESTS_PROOFS_PROOF_H
#define TESTS_PROOFS_PROOF_H

#include <stdbool.h>
#include <stdint.h>

/*@ requires \false; assigns \nothing; */
_Noreturn void panic(const char *format, ...);

#endif
