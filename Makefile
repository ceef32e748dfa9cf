# Postern: every command. `make help` lists them; config.mk holds what can be tuned.

include config.mk

B := $(OUT)/$(BUILD)
VARIANTS := $(patsubst %/system.toml,%,$(wildcard servers/system.toml perf/system.toml tests/system.toml))
LISTS := $(VARIANTS:%=$(B)/%.list)
Q := $(if $(filter 1,$(V)),,@)

# Values that cannot be right are refused before anything is done.
ifeq ($(filter $(BUILD),release debug),)
$(error BUILD is "$(BUILD)"; it must be release or debug)
endif
ifeq ($(filter $(ACCEL),auto kvm tcg),)
$(error ACCEL is "$(ACCEL)"; it must be auto, kvm or tcg)
endif
ifeq ($(filter $(UNIT),all instructions),)
$(error UNIT is "$(UNIT)"; it must be all or instructions)
endif
ifeq ($(filter $(FIRMWARE),bios uefi32 uefi64),)
$(error FIRMWARE is "$(FIRMWARE)"; it must be bios, uefi32 or uefi64)
endif
SETTINGS_ASKED := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
SETTINGS_KNOWN := AT_ONCE $(shell sed -n 's/^\([A-Z_]*\) [?:]*=.*/\1/p' config.mk)
UNKNOWN := $(filter-out $(SETTINGS_KNOWN) -%,$(SETTINGS_ASKED))
$(if $(UNKNOWN),$(error $(firstword $(UNKNOWN)) is no setting; config.mk names all: $(wordlist 2,99,$(SETTINGS_KNOWN))))
# NAME:least
NUMBERS := MEM:8 FILES_MEM:8 SMP:1 JOBS:1 RUNS:1 KILLS:1 CUTS:1 CALLS:1 SEED:0 STRIDE:1 CLOCKS:1 ROUNDS:1 $(if $(COUNT),COUNT:1)
WRONG := $(shell set -- $(foreach word,$(NUMBERS),$(subst :, ,$(word)) '$($(firstword $(subst :, ,$(word))))'); \
	while [ $$1 ]; do [ "$$3" -ge $$2 ] 2> /dev/null || { echo "$$1 is \"$$3\"; it must be a number of at least $$2"; break; }; \
	shift 3; done)
$(if $(WRONG),$(error $(WRONG) (config.mk says of what)))
ifneq ($(DISK),$(B)/disk.img)
$(if $(wildcard $(DISK)),,$(if $(DISK),$(error DISK is "$(DISK)", which is not there; without DISK= an image is made from the folder disk/)))
endif

# ---- flags ----

BARE := -m32 -march=i686 -std=gnu11 -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fomit-frame-pointer
COMMON := $(BARE) -mpreferred-stack-boundary=2 $(OPTIMISE) -g -Wall -Wextra -Werror -MD -MP
# The kernel is optimised as a whole: its files are cut for the reader, and calls between them should cost nothing. The
# inline limit is gcc's old default: with today's smaller one a round trip by INT 250 takes 110 instructions more, and with
# the default growth of the whole 28 more.
LINK_TIME := $(if $(filter release,$(BUILD)),-flto -flto-partition=one -finline-functions -finline-limit=300 --param=inline-unit-growth=60)
KERNEL_FLAGS := $(COMMON) -mregparm=3 -mno-sse -mno-mmx -mno-80387 $(LINK_TIME) -DBUILD_RELEASE=$(if $(filter release,$(BUILD)),1,0) \
	-Iabi -Ikernel -Iarch/x86 -Isysenter
# With a boundary of 4 bytes gcc keeps a frame pointer in functions that return 64 bits: three instructions more in every
# handler, and no EBP for the SYSENTER stub (libserver/include/gates.h).
USER_FLAGS := $(COMMON) -mpreferred-stack-boundary=3 -Iabi -Ilibserver/include -I.
NASM_FLAGS := -f elf32 -g -Ox -w+error -I./ -I$(B)/

# ---- what there is ----

KERNEL_C := $(filter-out arch/x86/offsets.c,$(wildcard arch/x86/*.c kernel/*.c sysenter/*.c))
KERNEL_ASM := $(wildcard boot/*.asm arch/x86/*.asm sysenter/*.asm)
KERNEL_OBJECTS := $(KERNEL_C:%.c=$(B)/%.o) $(KERNEL_ASM:%.asm=$(B)/%.asm.o)
LIBRARY_OBJECTS := $(patsubst %.c,$(B)/%.o,$(wildcard libserver/*.c)) $(patsubst %.asm,$(B)/%.asm.o,$(wildcard libserver/*.asm))

# Programs with a C library: newlib, with the operating-system hooks of libserver/libc. Those in FILE_SYSTEMS are services of
# the VFS, and share libserver/file_system.
FILE_SYSTEMS := servers/ext2 servers/memoryfs servers/bootfs tests/files
LIBC_FOLDERS := servers/vfs $(FILE_SYSTEMS) servers/shell servers/utilities libserver/libc libserver/file_system tests/libc perf/files
LIBC_FLAGS := -nostdinc -isystem `$(CC) -print-file-name=include` -isystem $(LIBRARIES)/newlib/include -Ilibserver/libc/include \
	-Ilibserver/file_system -isystem $(LIBRARIES)/ext2fs/include -U__linux__ -U__unix__ -D_GNU_SOURCE
# Its start-up comes as an object, in place of libserver's: from an archive the linker would not take it.
HOOK_STARTUP := $(B)/programs/libserver/libc/startup.o
HOOK_OBJECTS := $(filter-out $(HOOK_STARTUP),$(patsubst %.c,$(B)/programs/%.o,$(wildcard libserver/libc/*.c)))
FILE_SYSTEM_OBJECTS := $(patsubst %.c,$(B)/programs/%.o,$(wildcard libserver/file_system/*.c))

# A program is a folder with C files. Each is linked at an address of its own, so that gdb can hold them all.
PROGRAM_FOLDERS := $(sort $(patsubst %/,%,$(dir $(wildcard servers/*/*.c perf/guest/*.c perf/partner/*.c tests/guest/*.c tests/hostile/*.c \
	tests/libc/*.c tests/block/*.c tests/files/*.c perf/files/*.c))))
NAME_perf/guest := bench
NAME_tests/guest := tests
NAME_tests/libc := libc-tests
NAME_tests/block := block-test
NAME_tests/files := file-tests
program_name = $(or $(NAME_$1),$(notdir $1))
PROGRAMS := $(foreach folder,$(PROGRAM_FOLDERS),$(call program_name,$(folder)))
# What a program needs beside the C files of its folder.
SOURCES_block := servers/pci/driver/driver.c
SOURCES_block-test := $(SOURCES_block)
SOURCES_file-tests := servers/utilities/sha256.c
SOURCES_tests := libserver/testing/tap.c
PROGRAM_FILES := $(PROGRAMS:%=$(B)/modules/%)
UNIT_TESTS := $(patsubst tests/host/%.c,$(OUT)/unit/%,$(wildcard tests/host/test_*.c))
# Services with tests of their own, in servers/NAME/test: guest*.c is a program that prints TAP, each host*.c one that runs natively.
TESTED := $(patsubst servers/%/test/test.toml,%,$(wildcard servers/*/test/test.toml))
HOST_TESTS := $(patsubst servers/%.c,$(OUT)/unit/%,$(wildcard $(TESTED:%=servers/%/test/host*.c)))
# Not out of the environment, where some systems have a NAME.
given = $(if $(filter command line,$(origin $1)),$($1))
CHOSEN = $(or $(call given,SERVICE),$(TESTED))

# ---- build ----

.PHONY: FORCE at-once all help iso usb sdk audit first-hour run trace debug bench bench-linux bench-files bench-peers profile model \
	interrupts-off report sample-report baseline compare record book interrupts exhaustion kill fuzz attack storm power-cut mutations \
	test unit-tests service service-tests coverage check clean distclean
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

# Commands take one step after the other: packages are installed before anything is built. Files are built by a make of their
# own, as many at a time as there are processors.
ifndef AT_ONCE
.NOTPARALLEL:
endif
build_at_once = $(Q)$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS)) AT_ONCE='$1' at-once

at-once: $(AT_ONCE)
	@:

all: packages-build ## build kernel and programs (the default)
	+$(call build_at_once,$(B)/kernel.elf $(PROGRAM_FILES) $(B)/symbols $(LISTS))

help: ## this list
	@echo "make TARGET [NAME=value ...]; every NAME and its default stand in config.mk"
	@awk '/^# ---- .* ----$$/ { gsub(/# ---- | ----/, ""); section = $$0 } \
		match($$0, /^[a-z-]+:.* ## /) { if (section) printf "\n%s\n", section; section = ""; target = $$1; sub(/:.*/, "", target); \
		printf "  %-15s %s\n", target, substr($$0, RLENGTH + 1) }' Makefile

# packages-build-run: what these two need, in one apt line.
packages-%:
	@tools/packages $(subst -, ,$*)

# How far it is: on a terminal the file that is being compiled, in a line that the next one overwrites; and what is finished.
TALKS := $(if $(findstring s,$(firstword -$(MAKEFLAGS))),,yes)
BEGIN = @mkdir -p $(@D)$(if $(and $(TALKS),$(MAKE_TERMOUT)),; printf '  $<\033[K\r')
FINISHED = $(if $(TALKS),@echo '  $@'$(if $(MAKE_TERMOUT),; printf '\033[K'))

# Files that change when what make was told does: the flags, so that everything is compiled again; which files and programs there
# are, so that everything is linked again, and what is no program any more does not get into an image.
stamp = @mkdir -p $(@D); text='$1'; echo "$$text" | cmp -s - $@ || echo "$$text" > $@
SETTINGS := Makefile config.mk $(B)/flags

$(B)/flags: FORCE
	+$(call stamp,$(CC) $(AR) $(STRIP) $(NASM) $(NASM_FLAGS) $(KERNEL_FLAGS) $(USER_FLAGS) $(LIBC_FLAGS))

$(B)/sources: FORCE
	+@rm -f $(filter-out $(PROGRAM_FILES),$(wildcard $(B)/modules/*)) \
		$(filter-out $(PROGRAMS:%=$(B)/programs/%.elf) $(TESTED:%=$(B)/programs/%-test.elf),$(wildcard $(B)/programs/*.elf))
	+$(call stamp,$(ADDRESSES) $(LISTS) $(wildcard $(addsuffix /*.c,$(PROGRAM_FOLDERS) $(TESTED:%=servers/%/test))) $(LIBRARY_OBJECTS) $(HOOK_OBJECTS) \
		$(FILE_SYSTEM_OBJECTS) $(KERNEL_OBJECTS) $(AUDIT_C))

# ---- kernel ----

$(B)/offsets.inc: arch/x86/offsets.c $(SETTINGS)
	$(BEGIN)
	$(Q)$(CC) $(KERNEL_FLAGS) -fno-lto -MF $(B)/offsets.d -MT $@ -S $< -o - | sed -n 's/^@@//p' > $@

# The compiler itself may call these after link-time optimisation has looked for their uses.
$(B)/arch/x86/string.o: LINK_TIME :=

$(B)/kernel/%.o: kernel/%.c $(SETTINGS)
	$(BEGIN)
	$(Q)$(CC) $(KERNEL_FLAGS) -c $< -o $@

$(B)/arch/x86/%.o: arch/x86/%.c $(SETTINGS)
	$(BEGIN)
	$(Q)$(CC) $(KERNEL_FLAGS) -c $< -o $@

$(B)/sysenter/%.o: sysenter/%.c $(SETTINGS)
	$(BEGIN)
	$(Q)$(CC) $(KERNEL_FLAGS) -c $< -o $@

# NASM's -MD leaves out what is included.
$(B)/%.asm.o: %.asm $(wildcard abi/*) $(SETTINGS)
	$(BEGIN)
	$(Q)$(NASM) $(NASM_FLAGS) $< -o $@
$(KERNEL_ASM:%.asm=$(B)/%.asm.o): $(B)/offsets.inc

$(B)/kernel.elf: $(KERNEL_OBJECTS) boot/kernel.ld $(B)/sources
	$(Q)$(CC) -m32 $(OPTIMISE) -g -fno-asynchronous-unwind-tables $(LINK_TIME) -nostdlib -static -Wl,-z,noexecstack,--build-id=none,-T,boot/kernel.ld -o $@ $(KERNEL_OBJECTS)
	$(FINISHED)

# The kernel that checks itself when it is asked to: the same files, not optimised as a whole so that the linker can put the
# audit's functions in front of some of theirs.
AUDIT_C := $(wildcard tests/audit/*.c)
AUDIT_OBJECTS := $(patsubst %.c,$(B)/audit/%.o,$(KERNEL_C) $(AUDIT_C)) $(KERNEL_ASM:%.asm=$(B)/%.asm.o)
AUDIT_WRAPPED := sys_process_info slab_allocate frame_allocate_low frame_allocate_any frame_extend_run

$(B)/audit/%.o: %.c $(SETTINGS)
	$(BEGIN)
	$(Q)$(CC) $(KERNEL_FLAGS) -fno-lto -Itests/audit -c $< -o $@

$(B)/audit.elf: $(AUDIT_OBJECTS) boot/kernel.ld $(B)/sources
	$(Q)$(CC) -m32 -g -nostdlib -static -Wl,-z,noexecstack,--build-id=none,-T,boot/kernel.ld $(AUDIT_WRAPPED:%=-Wl,--wrap=%) -o $@ \
		$(AUDIT_OBJECTS)
	$(FINISHED)

# ---- library and programs ----

$(B)/libserver/%.o: libserver/%.c $(SETTINGS)
	$(BEGIN)
	$(Q)$(CC) $(USER_FLAGS) -c $< -o $@

$(B)/libserver.a: $(LIBRARY_OBJECTS) $(B)/sources
	@rm -f $@
	$(Q)$(AR) rcs $@ $(LIBRARY_OBJECTS)

$(B)/libc.a: $(HOOK_OBJECTS) $(B)/sources
	@rm -f $@
	$(Q)$(AR) rcs $@ $(HOOK_OBJECTS)

$(LIBRARIES)/newlib/lib/libc.a: tools/libraries libserver/libc/include/machine/_types.h
	$(Q)tools/libraries newlib $(LIBRARIES)

$(LIBRARIES)/ext2fs/lib/libext2fs.a: $(LIBRARIES)/newlib/lib/libc.a
	$(Q)tools/libraries ext2fs $(LIBRARIES)

has_libc = $(filter $(patsubst %/,%,$1),$(LIBC_FOLDERS))
$(B)/programs/%.o: %.c $(SETTINGS) $(LIBRARIES)/ext2fs/lib/libext2fs.a
	$(BEGIN)
	$(Q)$(CC) $(USER_FLAGS) $(if $(call has_libc,$(dir $<)),$(LIBC_FLAGS)) -I$(<D) -c $< -o $@

ADDRESSES := $(shell i=16; for p in $(PROGRAMS) $(TESTED:%=%-test); do printf '%s:0x%x000000 ' $$p $$i; i=$$((i+1)); done)
address_of = $(patsubst $1:%,%,$(filter $1:%,$(ADDRESSES)))

# $1: its name; $2: its folder; $3: its C files; $4: where it is linked at; $5: the folder that it goes to.
define program
$(B)/programs/$1.elf: $(patsubst %.c,$(B)/programs/%.o,$3 $(SOURCES_$1)) $(if $(filter $2,$(FILE_SYSTEMS)),$(FILE_SYSTEM_OBJECTS)) \
		$(B)/libserver.a $(if $(call has_libc,$2),$(HOOK_STARTUP) $(B)/libc.a) libserver/program.ld $(B)/sources
	$(Q)$(CC) -m32 -nostdlib -static -Wl,-T,libserver/program.ld -Wl,--defsym,program_base=$4 -Wl,-z,noexecstack \
		-Wl,--build-id=none -o $$@ $$(filter %.o,$$^) -Wl,--start-group $(B)/libserver.a $(if $(call has_libc,$2),$(B)/libc.a \
		$(LIBRARIES)/ext2fs/lib/libext2fs.a $(LIBRARIES)/newlib/lib/libm.a $(LIBRARIES)/newlib/lib/libc.a) -lgcc -Wl,--end-group
$(B)/$5/$1: $(B)/programs/$1.elf
	@mkdir -p $$(@D)
	$(Q)$(STRIP) --remove-section=.eh_frame -o $$@ $$<
	$$(FINISHED)
endef
$(foreach folder,$(PROGRAM_FOLDERS),$(eval $(call program,$(call program_name,$(folder)),$(folder),$(wildcard $(folder)/*.c),$(call \
	address_of,$(call program_name,$(folder))),modules)))
$(foreach name,$(TESTED),$(eval $(call program,$(name)-test,servers/$(name)/test,$(wildcard servers/$(name)/test/guest*.c) \
	libserver/testing/tap.c,$(call address_of,$(name)-test),service-tests)))

# The functions of all programs, for init's fault reports.
$(B)/symbols: tools/symbols $(PROGRAMS:%=$(B)/programs/%.elf)
	$(Q)tools/symbols --output $@ $(filter %.elf,$^)

-include $(shell find $(B) $(OUT)/coverage $(OUT)/unit -name '*.d' 2> /dev/null)

# ---- system lists ----

$(B)/%.list: %/system.toml tools/system_list $(B)/sources | $(PROGRAM_FILES)
	$(Q)tools/system_list --programs $(B)/modules --output $@ $<

# ---- images ----

, := ,

# One image per variant: the menu knows all, and starts with its own.
define image
$(B)/postern-$1.iso: $(B)/kernel.elf $(PROGRAM_FILES) $(B)/symbols $(LISTS) tools/image
	$(Q)tools/image --build $(B) --mkrescue $(GRUB_MKRESCUE) --default $1 --output $$@ $(LISTS)
	$$(FINISHED)
endef
$(foreach variant,$(VARIANTS),$(eval $(call image,$(variant))))

iso: packages-build-run all $(VARIANTS:%=$(B)/postern-%.iso) ## GRUB images (BIOS, UEFI): demonstration, benchmarks, tests

# A stick's demonstration has / in memory: it leaves the disks alone of whatever machine it is put into.
$(B)/usb.list: servers/system.toml tools/system_list Makefile | $(PROGRAM_FILES)
	$(Q)sed 's,/=ext2:disk0,/=memoryfs:,' $< > $(B)/usb.toml
	$(Q)tools/system_list --programs $(B)/modules --output $@ $(B)/usb.toml

$(B)/postern-usb.img: $(B)/kernel.elf $(PROGRAM_FILES) $(B)/symbols $(B)/usb.list tools/image
	$(Q)tools/image --build $(B) --mkrescue $(GRUB_MKRESCUE) --default usb --output $@ $(B)/usb.list
	$(FINISHED)

usb: packages-build-run all $(B)/postern-usb.img ## image for a USB stick or a whole disk (BIOS, UEFI), and how to write it
	@echo "$(B)/postern-usb.img is ready. Writing it to a stick erases the whole stick:"
	@echo "  lsblk -d -o NAME,SIZE,TRAN,MODEL      # which one is it? sdX below"
	@echo "  sudo dd if=$(B)/postern-usb.img of=/dev/sdX bs=4M conv=fsync"
	@echo "It boots by BIOS and UEFI (secure boot off), and talks on COM1, 115200 baud: docs/images.md"

# The demonstration's disk. It keeps what is written to it until something that it is made of changes.
$(B)/disk.img: tools/disk_image servers/utilities/main.c $(B)/modules/utilities $(shell find disk | sed 's/ /\\ /g')
	$(Q)tools/disk_image --modules $(B)/modules --output $@
	$(FINISHED)

# ---- SDK ----

sdk: packages-build-sdk all ## what programs outside this tree need: headers, libraries, pkg-config files, a template (SDK=path)
	$(Q)tools/sdk --build $(B) --libraries $(LIBRARIES) --output $(SDK) --flags '$(BARE) -mpreferred-stack-boundary=3'

# ---- run ----

# With MODULES=, what is booted is another build folder.
RUN := $(if $(MODULES),$(B)/added,$(B))

$(B)/added/postern-servers.iso: FORCE
	$(Q)tools/add_modules --build $(B) --output $(@D) $(MODULES)
	$(Q)tools/image --build $(@D) --mkrescue $(GRUB_MKRESCUE) --default servers --output $@ $(@D)/servers.list

run: packages-build-run$(if $(filter uefi%,$(FIRMWARE)),-uefi) all $(RUN)/postern-servers.iso $(DISK) ## boot to a prompt, with a disk (MODULES="paths": your programs and lists too); Ctrl-A X ends it
	$(Q)accel=`tools/accelerator --choose $(ACCEL) --qemu $(QEMU) --build $(OUT)` && \
	set -- --qemu $(QEMU) --iso $(RUN)/postern-servers.iso --firmware $(FIRMWARE) --machine $(MACHINE) --cpu $(CPU) \
		--memory $(MEM) --smp $(SMP) --accel $$accel \
		$(if $(DISK),-- -drive file=$(DISK)$(,)format=raw$(,)if=none$(,)id=disk -device $(DISK_DEVICE)$(,)drive=disk) && \
	if [ "$(V)" = 1 ]; then tools/boot.py --print "$$@"; fi && tools/boot.py --interactive "$$@"

trace: packages-build-run all $(B)/disk.img ## see a call: CMD (default cat /etc/motd) as a flame chart, text and Chrome trace events
	$(Q)tools/trace --command '$(subst ','\'',$(CMD))' --build $(B) --disk $(B)/disk.img --device $(DISK_DEVICE) --qemu $(QEMU) \
		--machine $(MACHINE) --cpu $(CPU) --memory $(MEM) --output $(OUT)

debug: packages-build-run-debug ## gdb with all symbols, at the first instruction; SERVICE=vfs: where CMD makes a request reach it
	$(Q)$(MAKE) --no-print-directory BUILD=debug all $(OUT)/debug/disk.img
	$(Q)tools/debug $(if $(call given,SERVICE),--service $(SERVICE)) $(if $(METHOD),--method '$(METHOD)') $(if $(BREAK),--break $(BREAK)) \
		--type '$(subst ','\'',$(CMD))' --build $(OUT)/debug --device $(DISK_DEVICE) --qemu $(QEMU) --machine $(MACHINE) --cpu $(CPU) \
		--memory $(MEM)

# ---- measure ----

# $1: further arguments.
run_bench = $(Q)accel=`tools/accelerator --choose $(ACCEL) --qemu $(QEMU) --build $(OUT)` && \
	$(PYTHON) perf/bench.py --build $(B) --qemu $(QEMU) --machine $(MACHINE) --cpu $(CPU) --memory $(MEM) --accel $$accel \
		--unit $(UNIT) $1

bench: packages-build-run all $(B)/postern-perf.iso ## print INT 250 beside SYSENTER (UNIT=instructions: exact counts only; FULL=1: all)
	$(call run_bench,$(if $(filter 1,$(FULL)),--full) --output $(OUT)/bench.json)

$(OUT)/plugins/%.so: perf/plugins/%.c perf/plugins/plugin.h Makefile
	@mkdir -p $(@D)
	$(Q)$(PLUGIN) -o $@ $<

ENTRIES = $(PYTHON) perf/entries.py --build $(B) --plugin $(OUT)/plugins/entries.so --qemu $(QEMU) --machine $(MACHINE) --cpu $(CPU) \
	--memory $(MEM) --output $(OUT)/entries.json

interrupts-off: packages-build-run all $(OUT)/plugins/entries.so ## instructions with interrupts off, at most, in each kind of kernel entry
	$(Q)$(ENTRIES) --check

PROFILE = $(PYTHON) perf/profiler.py --build $(B) --plugin $(OUT)/plugins/profile.so --qemu $(QEMU) --machine $(MACHINE) --cpu $(CPU) \
	--memory $(MEM) --output $(OUT)/profile.json

profile: packages-build-run all $(OUT)/plugins/profile.so ## cache lines, pages, mode switches ... of one call of each kind, by a QEMU plugin
	$(Q)$(PROFILE)

model: packages-build-run all $(OUT)/plugins/profile.so ## cycles that a call should take on other CPUs, estimated from published latencies
	$(Q)$(PROFILE) > /dev/null
	$(Q)$(PYTHON) perf/model.py --profile $(OUT)/profile.json --bench $(OUT)/bench.json --output $(OUT)/model.json

# ---- report, comparison, record ----

REPORT = $(PYTHON) perf/report.py --figures $(OUT)

report: packages-build-run-report bench model $(OUT)/plugins/entries.so ## measure everything; write build/report/index.html and report.txt
	$(Q)$(ENTRIES) > /dev/null
	$(Q)$(REPORT) --base $(BASE) --output $(OUT)/report

sample-report: ACCEL := tcg
sample-report: report ## the same under TCG, as docs/sample-report.html
	$(Q)$(REPORT) --sample docs/sample-report.html

baseline: packages-build-run all $(B)/postern-perf.iso ## save figures to compare with later (BASE=path, RUNS=n timed runs)
	$(call run_bench,--runs $(RUNS) --output $(BASE) > /dev/null)

compare: packages-build-run-report all $(B)/postern-perf.iso ## measure, and say of each figure: better, worse, same or noise (BASE=path)
	$(Q)$(PYTHON) perf/compare.py --base $(BASE)
	$(call run_bench,--runs $(RUNS) --output $(OUT)/bench.json > /dev/null)
	$(Q)$(PYTHON) perf/compare.py --base $(BASE) --now $(OUT)/bench.json
	$(Q)$(REPORT) --base $(BASE) --output $(OUT)/report

record: packages-build-run all $(B)/postern-perf.iso ## make the exact figures of now those that make test lets none exceed
	$(call run_bench,--unit instructions --output $(OUT)/record.json > /dev/null)
	$(Q)$(PYTHON) perf/record.py --figures $(OUT)/record.json --write

# ---- the book ----

book: packages-book ## the documentation as HTML: build/book/index.html
	$(Q)$(PYTHON) -m sphinx -q -W --keep-going -c docs . $(OUT)/book
	@echo $(OUT)/book/index.html

# ---- beside Linux ----

LINUX := $(LIBRARIES)/linux
LINUX_FLAGS := -m32 -march=i686 -std=gnu11 $(OPTIMISE) -static -Wall -Wextra -Werror
# What is the same on both systems.
FILES_C := perf/files/files.c perf/files/figures.c perf/files/idle.c
FILES_RUN = $(PYTHON) perf/files.py --build $(B) --linux-kernel $(LINUX)/vmlinuz --linux-programs $(B)/linux/files.initramfs \
	--disk $(OUT)/files.img --qemu $(QEMU) --machine $(MACHINE) --cpu $(CPU) --memory $(FILES_MEM) --unit $(UNIT) \
	--output $(OUT)/files.json

$(LINUX)/vmlinuz:
	$(Q)$(PYTHON) perf/linux/kernel.py --output $(LINUX)

$(B)/linux/files: $(FILES_C) perf/linux/system.c $(wildcard perf/files/*.h) Makefile config.mk
	@mkdir -p $(@D)
	$(Q)gcc $(LINUX_FLAGS) -o $@ $(filter %.c,$^)

# Not relocatable, so that calling the kernel's stub takes one instruction.
$(B)/linux/ipc: perf/linux/ipc.c perf/files/figures.c perf/linux/system.c $(wildcard perf/files/*.h) Makefile config.mk
	@mkdir -p $(@D)
	$(Q)gcc $(LINUX_FLAGS) -fno-pie -no-pie -o $@ $(filter %.c,$^)

$(B)/linux/init: perf/linux/init.c Makefile config.mk
	@mkdir -p $(@D)
	$(Q)gcc $(LINUX_FLAGS) -o $@ $<

$(B)/linux/files.initramfs: $(B)/linux/init $(B)/linux/files $(LINUX)/vmlinuz perf/linux/initramfs.py
	$(Q)$(PYTHON) perf/linux/initramfs.py --modules $(LINUX)/modules --output $@ $(filter $(B)/linux/%,$^)

$(B)/linux/ipc.initramfs: $(B)/linux/init $(B)/linux/ipc perf/linux/initramfs.py
	$(Q)$(PYTHON) perf/linux/initramfs.py --output $@ $(filter $(B)/linux/%,$^)

$(OUT)/files.img: perf/files/disk.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) perf/files/disk.py --output $@

bench-linux: packages-build-run-files $(B)/linux/files.initramfs $(OUT)/files.img ## file access on Debian's own 32-bit Linux (fetches 50 MB once)
	$(Q)$(FILES_RUN) --systems linux linux-off

bench-files: packages-build-run-files all $(B)/linux/files.initramfs $(OUT)/files.img ## file access on Postern beside Linux
	$(Q)$(FILES_RUN)

bench-peers: packages-build-run all $(B)/postern-perf.iso $(LINUX)/vmlinuz $(B)/linux/ipc.initramfs ## calls beside Linux's pipes, sockets, eventfds, futexes (fetches 50 MB once)
	$(Q)$(PYTHON) perf/peers.py --build $(B) --bench $(OUT)/bench.json --linux-kernel $(LINUX)/vmlinuz \
		--linux-programs $(B)/linux/ipc.initramfs --qemu $(QEMU) --machine $(MACHINE) --cpu $(CPU) --memory $(MEM) \
		--unit $(UNIT) --output $(OUT)/peers.json

# ---- tests ----

# $1: the kernel; $2: arguments of the test program. What is not about the tests is left out.
guest_tests = bash -o pipefail -c 'tools/boot.py --build $(B) --elf $1 --list tests/system.toml --icount --interactive \
	--arguments "$2" | sed -u -n "/^\#/p; /ok /p; /audit:/p; /panic/,\$$p"'

interrupts: packages-build-run all audit ## a timer interrupt and an NMI at each of the first CLOCKS instructions of a nested call
	$(Q)$(call guest_tests,audit.elf,only=interrupts interrupt-clocks=$(CLOCKS))

exhaustion: packages-build-run all audit ## every allocation of the kernel fails once
	$(Q)$(call guest_tests,audit.elf,only=exhaustion)

kill: packages-build-run all audit ## something ends at every STRIDE-th instruction of a nested call
	$(Q)$(call guest_tests,audit.elf,only=kill kill-stride=$(STRIDE))

fuzz: packages-build-run all audit ## random calls from hostile processes (CALLS=n through both gates together, SEED=n)
	$(Q)$(call guest_tests,audit.elf,only=fuzz fuzz-calls=$$(($(CALLS) / 2)) fuzz-seed=$(SEED))

attack: packages-build-run all ## one client attacks: percentiles of another one's calls, ROUNDS alone and under each attack
	$(Q)$(call guest_tests,kernel.elf,only=attack attack-rounds=$(ROUNDS))

COMPILE_UNIT := gcc -std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all
# The files that a unit test names, of the folder that it is about.
links_of = $(shell sed -n 's,^// links: ,,p' $1)

$(OUT)/unit/%: tests/host/%.c $(wildcard tests/host/*.h kernel/*.c kernel/*.h abi/* servers/*/*.[ch]) Makefile config.mk
	@mkdir -p $(@D)
	$(Q)$(COMPILE_UNIT) -Iabi -Ikernel -Iarch/x86 -Ilibserver/include -I. -o $@ $< $(addprefix kernel/,$(call links_of,$<)) -lcmocka

# A service on the machine that builds: its files, whose main() has another name, the fake of libserver, and what of the true one
# asks the kernel for nothing.
FAKE_OBJECTS := $(patsubst %.c,$(OUT)/unit/%.o,$(wildcard libserver/testing/fake*.c) \
	$(addprefix libserver/,call.c connection.c lock.c print.c session_memory.c status.c))
$(OUT)/unit/%.o: %.c Makefile config.mk
	@mkdir -p $(@D)
	$(Q)$(COMPILE_UNIT) -MMD -MP $(if $(word 4,$(subst /, ,$<)),,-Dmain=service_main) -Ilibserver/testing/include -Iabi -Ilibserver/include -I. \
		-c $< -o $@

$(OUT)/unit/test_fake: tests/host/test_fake.c $(FAKE_OBJECTS)
	$(Q)$(COMPILE_UNIT) -Ilibserver/testing/include -Iabi -Ilibserver/include -I. -o $@ $^ -lcmocka

# $1: the test, such as rtc/test/host; the service's files are those that it names, or all.
define host_test
$(OUT)/unit/$1: $(patsubst %.c,$(OUT)/unit/%.o,servers/$1.c $(or $(addprefix servers/$(firstword $(subst /, ,$1))/,$(call \
		links_of,servers/$1.c)),$(wildcard servers/$(firstword $(subst /, ,$1))/*.c))) $(FAKE_OBJECTS)
	@mkdir -p $$(@D)
	$(Q)$(COMPILE_UNIT) -o $$@ $$^ -lcmocka
endef
$(foreach test,$(HOST_TESTS:$(OUT)/unit/%=%),$(eval $(call host_test,$(test))))

first-hour: packages-build-run ## what README.md promises, in a fresh clone: first figures, a service of your own; each step timed
	$(Q)tests/first_hour.py

audit: packages-build ## the kernel that checks itself when a test asks it to, for tools/boot.py --elf audit.elf
	+$(call build_at_once,$(B)/audit.elf)

unit-tests: packages-build-test ## build the tests of pure code, which run on this machine: build/unit
	+$(call build_at_once,$(UNIT_TESTS))

service-tests: packages-build-service ## build the services' own tests, which make test SERVICE= runs
	+$(call build_at_once,$(CHOSEN:%=$(B)/service-tests/%-test) $(filter $(CHOSEN:%=$(OUT)/unit/%/test/host%),$(HOST_TESTS)))

service: ## a service of your own, with tests, made of servers/template: make service NAME=clock
	$(Q)tools/service --programs '$(PROGRAMS) $(TESTED:%=%-test)' '$(call given,NAME)'

# A kernel with a counter on each branch, not optimised so that branches are those of the source. Its counters are read out of
# the guest's memory (tests/coverage/counters.py): libgcov is not linked.
COVERAGE := $(OUT)/coverage
COVERAGE_FLAGS := $(filter-out $(OPTIMISE) $(LINK_TIME) -DBUILD_RELEASE=1,$(KERNEL_FLAGS)) -DBUILD_RELEASE=0 -O0 --coverage -fprofile-info-section

$(COVERAGE)/%.o: %.c $(SETTINGS)
	$(BEGIN)
	$(Q)$(CC) $(COVERAGE_FLAGS) -c $< -o $@

$(COVERAGE)/kernel.elf: $(KERNEL_C:%.c=$(COVERAGE)/%.o) $(KERNEL_ASM:%.asm=$(B)/%.asm.o) boot/kernel.ld
	$(Q)$(CC) -m32 -g -nostdlib -static -Wl,-z,noexecstack,--build-id=none,-T,boot/kernel.ld,--defsym=__gcov_merge_add=1 \
		-o $@ $(filter %.o,$^)

PLUGIN = gcc -O2 -Wall -Wextra -Werror -shared -fPIC -I.

$(COVERAGE)/executed.so: tests/coverage/executed.c perf/plugins/plugin.h Makefile
	@mkdir -p $(@D)
	$(Q)$(PLUGIN) -o $@ $<

coverage: packages-build-run all ## branches and instructions of the kernel that the guest suite reaches
	+$(call build_at_once,$(COVERAGE)/kernel.elf $(COVERAGE)/executed.so)
	@ln -sfn $(abspath $(B)/modules) $(COVERAGE)/modules
	$(Q)$(PYTHON) tests/coverage/coverage.py --build $(COVERAGE) --nasm $(B) --qemu $(QEMU) --gcov $(CROSS)gcov --output $(COVERAGE)/figures.json

ifneq ($(call given,SERVICE),)
ifeq ($(filter $(SERVICE),$(TESTED)),)
$(if $(filter test,$(MAKECMDGOALS)),$(error servers/$(SERVICE)/test/test.toml is not there; services with tests of their own: $(TESTED)))
endif
test: packages-build-run-service
	$(Q)$(MAKE) --no-print-directory BUILD=release all service-tests
	$(Q)$(PYTHON) -m pytest -v --no-header -p no:cacheprovider --service $(SERVICE) tests/boot/test_own_tests.py
else
test: packages-build-run-uefi-test-debug-files-report-book ## unit tests, then the guest suite under QEMU and Bochs (SERVICE=rtc: that one's own tests)
	$(Q)$(MAKE) --no-print-directory BUILD=release iso usb audit unit-tests service-tests $(OUT)/release/linux/ipc
	$(Q)$(MAKE) --no-print-directory BUILD=debug iso
	$(Q)$(PYTHON) -m pytest -q -p no:cacheprovider --numprocesses $(JOBS) --dist loadgroup tests
endif

mutations: packages-build-run-test-debug ## seeds bugs, one at a time, and asks whether the tests notice (COUNT=10: a sample)
	$(Q)$(MAKE) --no-print-directory BUILD=release iso unit-tests
	$(Q)$(MAKE) --no-print-directory BUILD=debug all
	$(Q)$(PYTHON) tests/mutations/mutations.py $(if $(COUNT),--count $(COUNT)) --jobs $(JOBS)

storm: packages-build-run-test-files all ## kill services under load, KILLS times each, and look at the disk (VICTIMS="block ext2"; default all)
	$(Q)$(PYTHON) tests/boot/storms.py --build $(B) --qemu $(QEMU) --kills $(KILLS) $(VICTIMS)

power-cut: packages-build-run-test-files all ## cut the power at CUTS (default 300) writes to each kind of disk, and look at what is left
	$(Q)$(PYTHON) tests/boot/power_cuts.py --build $(B) --qemu $(QEMU) --cuts $(CUTS)

# ---- check, clean ----

check: packages-build-check all ## static analysis, format, size of the privileged part, model of calls, proofs
	$(Q)tools/check_format
	$(Q)tools/abi_page --check
	$(Q)tools/libserver_page --check
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -Iabi -Ikernel -Iarch/x86 \
		-Isysenter -Ilibserver/include -Ilibserver/file_system -I. --library=tools/cppcheck.cfg --suppressions-list=tools/cppcheck.txt kernel arch sysenter libserver servers perf
	$(Q)tools/privileged_size
	$(Q)tests/models/run --build $(OUT)/models
	$(Q)tools/packages proofs 2>&1 | grep '^installing' || true
	$(Q)tests/proofs/run

clean: ## remove what was built, but not the libraries of others
	rm -rf $(OUT)

distclean: clean ## remove them as well
	rm -rf $(LIBRARIES)
