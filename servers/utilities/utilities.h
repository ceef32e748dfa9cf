/* The utilities: one program with many names. Each command is a function; argv[0] says which. */
#ifndef UTILITIES_H
#define UTILITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define PATH_BYTES 1024
#define PIECE_BYTES 65536u

/* ---- common.c ---- */
/* "ls: /nope: No such file or directory" on stderr; returns 1, the exit status that goes with it. */
int complain(const char *path);
/* The same with a text of our own. */
int complain_of(const char *what, const char *why);
/* "usage: ..." on stderr; returns 2. */
int usage(void);
const char *command_name(void);
/* Takes options such as -l and -la off the arguments: true for each letter of `known` that is there, in flags[]. False after a
 * message when there is another. */
bool take_options(int *count, char ***arguments, const char *known, bool flags[]);
/* folder/name. */
void join(char path[PATH_BYTES], const char *folder, const char *name);
bool is_folder(const char *path);
/* Calls function(path) for each name in the folder but "." and "..", in the order of names; the worst of its results. */
int for_each_name(const char *folder, int (*function)(const char *path, void *context), void *context);
/* "-rwxr-xr-x" */
void mode_text(uint32_t mode, char text[11]);
/* False, with errno, when not everything could be written. */
bool write_all(int file, const void *bytes, size_t count);
/* Opens for reading; NULL or "-": standard input. -1 after a message. */
int open_input(const char *path);

/* ---- the commands: list.c change.c text.c hash.c system.c processes.c trace.c call.c ---- */
int ls_main(int count, char **arguments);
int cat_main(int count, char **arguments);
int cp_main(int count, char **arguments);
int mv_main(int count, char **arguments);
int rm_main(int count, char **arguments);
int mkdir_main(int count, char **arguments);
int rmdir_main(int count, char **arguments);
int ln_main(int count, char **arguments);
int touch_main(int count, char **arguments);
int echo_main(int count, char **arguments);
int wc_main(int count, char **arguments);
int head_main(int count, char **arguments);
int hexdump_main(int count, char **arguments);
int sha256sum_main(int count, char **arguments);
int stat_main(int count, char **arguments);
int find_main(int count, char **arguments);
int fill_main(int count, char **arguments);
int mount_main(int count, char **arguments);
int umount_main(int count, char **arguments);
int sync_main(int count, char **arguments);
int df_main(int count, char **arguments);
int ps_main(int count, char **arguments);
int top_main(int count, char **arguments);
int kill_main(int count, char **arguments);
int free_main(int count, char **arguments);
int uptime_main(int count, char **arguments);
int date_main(int count, char **arguments);
int dmesg_main(int count, char **arguments);
int lspci_main(int count, char **arguments);
int trace_main(int count, char **arguments);
int call_main(int count, char **arguments);

#endif
