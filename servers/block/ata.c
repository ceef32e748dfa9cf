/* ATA: what a disk says of itself, and which command does what. */
#include "ata.h"

#define WORD_MODEL 27u
#define MODEL_WORDS 20u
#define WORD_CAPABILITIES 49u
#define CAPABILITIES_DMA_LBA 0x300u
#define WORD_SECTORS 60u
#define WORD_COMMAND_SETS 83u
#define COMMAND_SETS_LBA48 0x400u
#define WORD_SECTORS_48 100u
#define WORD_SECTOR_SIZE 106u
#define SECTOR_SIZE_VALID(word) (((word) & 0xC000u) == 0x4000u)
#define SECTOR_SIZE_LARGE 0x1000u

/* Two characters in a word, the first in its upper half; blanks at the end. */
static void copy_model(char *to, const uint16_t *words)
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < MODEL_WORDS * 2; i++) {
        char letter = (char)(words[i / 2] >> (i % 2 ? 0 : 8));
        to[i] = letter >= ' ' && letter <= '~' ? letter : '?';
        if (to[i] != ' ')
            length = i + 1;
    }
    memset(to + length, 0, MODEL_WORDS * 2 - length);
}

static uint64_t read_sectors(const uint16_t *words, uint32_t count)
{
    uint64_t sectors = 0;
    for (uint32_t i = count; i-- > 0;)
        sectors = sectors << 16 | words[i];
    return sectors;
}

bool ata_identify(const uint16_t words[ATA_IDENTIFY_WORDS], struct disk *disk)
{
    copy_model(disk->model, words + WORD_MODEL);
    disk->lba48 = words[WORD_COMMAND_SETS] & COMMAND_SETS_LBA48;
    disk->sectors = disk->lba48 ? read_sectors(words + WORD_SECTORS_48, 4) : read_sectors(words + WORD_SECTORS, 2);
    bool large = SECTOR_SIZE_VALID(words[WORD_SECTOR_SIZE]) && (words[WORD_SECTOR_SIZE] & SECTOR_SIZE_LARGE);
    bool usable = (words[WORD_CAPABILITIES] & CAPABILITIES_DMA_LBA) == CAPABILITIES_DMA_LBA && !large && disk->sectors;
    if (!usable)
        print("%s: %s \"%s\": no DMA, no LBA or no sectors of 512 bytes\n", program_name(), disk->driver, disk->model);
    return usable;
}

uint8_t ata_command(const struct disk *disk, uint32_t operation)
{
    static const uint8_t commands[][2] = {
        [BLOCK_READ] = { 0xC8, 0x25 },  /* READ DMA, READ DMA EXT */
        [BLOCK_WRITE] = { 0xCA, 0x35 }, /* WRITE DMA, WRITE DMA EXT */
        [BLOCK_FLUSH] = { 0xE7, 0xEA }, /* FLUSH CACHE, FLUSH CACHE EXT */
    };
    return commands[operation][disk->lba48];
}
