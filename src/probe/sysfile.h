/* Small files of /proc, /sys and /etc, read below a root folder so that captured trees
 * can stand in for a machine. A root of "" is this machine. */
#ifndef PROBE_SYSFILE_H
#define PROBE_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define SYSFILE_PATH_BYTES 1024

/* The variable INFERBENCH_PROBE_ROOT (for tests), else "". */
const char *sysfile_root(void);
/* Reads up to size - 1 bytes of root + path, terminated, white space at the end taken
 * off; a longer file is cut. False (out is "") where it cannot be read. No allocation. */
bool sysfile_read(const char *root, const char *path, char *out, size_t size);
PRINTF_LIKE(4, 5)
bool sysfile_readf(const char *root, char *out, size_t size, const char *fmt, ...);
/* A file that holds one integer; `none` where it does not. */
PRINTF_LIKE(3, 4)
int64_t sysfile_i64f(const char *root, int64_t none, const char *fmt, ...);
bool sysfile_exists(const char *root, const char *path);

/* Value of the first line "key<blanks><sep><blanks>value" of a text; empty if there is
 * none. sep 0: the key ends at a blank. */
struct str sysfile_field(const char *text, const char *key, char sep);
/* The same as an integer (a unit behind the number is skipped), or `none`. */
int64_t sysfile_field_i64(const char *text, const char *key, char sep, int64_t none);
/* Members of a list like "0-3,8": writes up to cap of them, returns how many there
 * are. */
size_t sysfile_cpu_list(const char *list, int *out, size_t cap);

#endif
