# Every tunable, with its default. Set one for a single run on the command line: make bench BUILD=debug

# release or debug, and how each is optimised; both carry symbols, which cost nothing at run time
BUILD ?= release
OPTIMISE := $(if $(filter debug,$(BUILD)),-Og,-O2)
# auto: KVM if a tiny guest survives there, else TCG. kvm or tcg to insist
ACCEL ?= auto
# make bench: all, or instructions (exact counts alone, under 40 seconds)
UNIT ?= all
# 1: it prints every figure with its samples, warm-up, overhead and percentiles
FULL ?=
# make baseline and compare: where figures are saved (make clean removes build), and how often time is measured for the test
BASE ?= $(OUT)/baseline.json
RUNS ?= 8
# make run: bios, uefi32 or uefi64 (OVMF, which is installed when it is asked for)
FIRMWARE ?= bios
# QEMU machine (pc, q35; uefi32 runs on q35 alone), CPU model (max, n270, pentium2, "max,-sep"), MiB of memory (18 or more; the
# demonstration needs 57, and UEFI keeps up to 40 for itself)
MACHINE ?= $(if $(filter uefi32,$(FIRMWARE)),q35,pc)
CPU ?= max
MEM ?= $(if $(filter bios,$(FIRMWARE)),64,128)
# The same for make bench-linux and bench-files: with 64 Linux reclaims pages while it is measured
FILES_MEM ?= 256
# make run: the disk image (empty: no disk), and its device: virtio-blk-pci, or ide-hd for IDE on pc and AHCI on q35
DISK ?= $(OUT)/$(BUILD)/disk.img
DISK_DEVICE ?= virtio-blk-pci
# make service: the name of the new service; make test: the one whose own tests are run (empty: all there is)
NAME ?=
SERVICE ?=
# make debug SERVICE=: the method whose request it stops at, or a function of the service instead (empty: any request)
METHOD ?=
BREAK ?=
# make run: programs of your own, system lists (.toml) that are added to servers/system.toml, folders with both
MODULES ?=
# make trace: what is done at the prompt
CMD ?= cat /etc/motd
# make storm: how often each service is killed, and which (empty: all; copy is the block driver while a tree is copied)
KILLS ?= 1000
VICTIMS ?=
# make power-cut: cuts on each kind of disk
CUTS ?= 300
# make fuzz: random calls through both gates together, and what they begin from
CALLS ?= 5000000
SEED ?= 1
# make kill: at every which instruction something ends; make interrupts: instructions from the first on; make attack: calls
STRIDE ?= 7
CLOCKS ?= 4000
ROUNDS ?= 10000
# make mutations: how many bugs of the fixed sample (empty: all bugs)
COUNT ?=
# Files compiled at a time; make test: tests at a time; make mutations: copies of the tree at work at a time
JOBS ?= $(shell nproc)
# CPUs that the machine has; the kernel uses one
SMP ?= 1
# 1: print the commands as they run, and the QEMU command line of make run
V ?= 0

# Prefix of an i686 tool chain, such as i686-elf-; empty: the host's gcc with -m32
CROSS ?=
CC := $(CROSS)gcc
AR := $(CROSS)ar
STRIP := $(CROSS)strip
NASM ?= nasm
QEMU ?= $(if $(filter uefi64,$(FIRMWARE)),qemu-system-x86_64,qemu-system-i386)
GRUB_MKRESCUE ?= grub-mkrescue
# Debian's own, because python3-pytest belongs to it
PYTHON ?= /usr/bin/python3

# Where everything that is built goes
OUT ?= build
# make sdk: where it goes
SDK ?= $(OUT)/sdk
# Where the works of others go: newlib and libext2fs, built once from Debian's sources, and Debian's Linux for make bench-linux;
# kept by make clean
LIBRARIES ?= libraries
