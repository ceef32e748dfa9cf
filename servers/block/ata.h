/* What IDE and AHCI share: ATA's commands, its status register, and the answer to IDENTIFY DEVICE. */
#ifndef ATA_H
#define ATA_H

#include "disk.h"

#define ATA_ERR 0x01u           /* status register */
#define ATA_DRQ 0x08u
#define ATA_DF 0x20u
#define ATA_BSY 0x80u

#define ATA_IDENTIFY_DEVICE 0xECu
#define ATA_IDENTIFY_WORDS 256u
#define ATA_DEVICE_LBA 0x40u    /* device register */

/* Fills in what the disk says of itself; false when it is none that we can drive. */
bool ata_identify(const uint16_t words[ATA_IDENTIFY_WORDS], struct disk *disk);
/* The command register for a transfer by DMA, or for a flush. */
uint8_t ata_command(const struct disk *disk, uint32_t operation);

#endif
