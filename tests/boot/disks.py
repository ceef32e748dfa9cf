"""Disk images for the block tests: a pattern that names each sector, partition tables good and bad, what a test must leave."""

import binascii
import struct

SECTOR = 512
SECTORS = 16387          # no multiple of anything
WRITE_FIRST, WRITE_END = 256, 1024      # as in tests/block/data.c
WRITE_FACTOR = 0x9E3779B97F4A7C15


def pattern(first=0, end=SECTORS):
    """Each 8 bytes hold the number of their sector."""
    return b"".join(struct.pack("<Q", sector) * (SECTOR // 8) for sector in range(first, end))


def written():
    """What the guest writes, from sector WRITE_FIRST of a unit on."""
    words = [(sector * WRITE_FACTOR + i) % 2**64 for sector in range(WRITE_FIRST, WRITE_END) for i in range(SECTOR // 8)]
    return struct.pack(f"<{len(words)}Q", *words)


def put(image, sector, data):
    image[sector * SECTOR:sector * SECTOR + len(data)] = data


def mbr_sector(*entries):
    """Up to four of (type, first, sectors)."""
    table = b"".join(struct.pack("<B3xB3xII", 0, *entry) for entry in entries)
    return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa"


def gpt_entry(number, first, last, name):
    return bytes([number] * 16) + bytes([number + 100] * 16) + struct.pack("<QQQ", first, last, 0) + \
        name.encode("utf-16-le").ljust(72, b"\0")


def gpt_header(own, other, entries_at, entries, sectors, size):
    def header(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, own, other, 34, sectors - 34, bytes(16),
                           entries_at, len(entries) // size, size, binascii.crc32(entries))
    return header(binascii.crc32(header(0))).ljust(SECTOR, b"\0")


def put_gpt(image, partitions, sectors=SECTORS, size=128):
    """Protective MBR, header and entries, and the copy of both at the end."""
    entries = b"".join(gpt_entry(*partition) for partition in partitions).ljust(128 * 128, b"\0")
    put(image, 0, mbr_sector((0xEE, 1, sectors - 1)))
    put(image, 1, gpt_header(1, sectors - 1, 2, entries, sectors, size))
    put(image, 2, entries)
    put(image, sectors - 33, entries)
    put(image, sectors - 1, gpt_header(sectors - 1, 1, sectors - 33, entries, sectors, size))
