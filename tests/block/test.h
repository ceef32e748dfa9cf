/* What the files of the block test share: the session with the service, requests, and TAP. */
#ifndef BLOCK_TEST_H
#define BLOCK_TEST_H

#include <server.h>

#include "../../servers/block/block.h"

#define PAGE_SECTORS (PAGE_SIZE / BLOCK_SECTOR)
#define SECTOR_WORDS (BLOCK_SECTOR / 8)
#define SESSION_PAGES 257u      /* one of requests, 256 of data */

/* ---- main.c ---- */
extern handle_t block;
extern session_t session;
extern struct block_description unit;   /* the one under test */
extern uint32_t unit_number;

/* One line of TAP. */
void report(bool good, const char *name);

/* ---- request.c ---- */
/* A good request for `count` sectors with data pages from `page` on. */
void request_fill(uint32_t index, uint32_t operation, uint64_t sector, uint32_t count, uint32_t page);
struct block_request *request_at(uint32_t index);
status_t transfer(uint32_t index);
/* The two in one. */
status_t run(uint32_t index, uint32_t operation, uint64_t sector, uint32_t count, uint32_t page);
status_t describe(uint32_t number, struct block_description *description);
uint64_t *page_words(uint32_t page);

/* ---- the cases ---- */
void data_cases(void);          /* reads, writes, several at once: the disk must have the pattern */
void bad_cases(void);           /* requests that must be refused */
void error_cases(void);         /* sectors that cannot be read or written, a device that does not answer */
void pci_cases(void);           /* what the PCI service refuses, a shared line, a driver that dies */
void restart_cases(void);       /* the block service ends while it works, and the PCI service under it */
void start_cases(void);         /* the PCI service ends while the block service starts */
int pci_victim(void);           /* that driver */
void quiet_cases(void);         /* a driver that dies with a transfer under way */
int quiet_victim(void);         /* that driver */

#endif
