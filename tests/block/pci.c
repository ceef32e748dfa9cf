/* PCI. */
#include "test.h"
void pci_cases(void) { }
int pci_victim(void) { return 0; }
