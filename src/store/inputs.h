/* Which results files a command line means: files, folders (searched for results), and
 * TYPE=FILE, which gives an instance type to rows that have none. */
#ifndef STORE_INPUTS_H
#define STORE_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/status.h"
#include "text/jsonw.h"

struct input {
    const char *path;
    const char *instance_type; /* given on the command line; NULL: none */
};

/* Something that was left out: a file, a row, a run of MLflow. */
struct input_skip {
    const char *file; /* or NULL */
    const char *why;  /* one line: file (and row), what, what to do */
    bool is_bad;      /* else a file of ours that holds no results: nothing is wrong */
};

struct input_skips {
    struct input_skip *items; /* [count] */
    size_t count, room, bad_count;
};

/* Adds one. STATUS_NO_MEMORY is the only failure, also where its `why` is NULL. */
MUST_CHECK enum status inputs_skip(struct input_skips *to, struct input_skip one,
                                   struct arena *a);
/* Tells them, those where nothing is wrong to those who want to know all. */
void inputs_log_skips(const struct input_skips *of, struct log *log);
/* Member "skipped" of a merged file; file: instead of theirs, or NULL. */
void inputs_write_skips(const struct input_skips *of, const char *file, struct jsonw *w);
/* The error as such a line. NULL: no memory. */
const char *inputs_why(const struct err *e, struct arena *a);

struct input_list {
    struct arena *arena;
    struct input *items; /* [count] */
    size_t count, room;
};

/* Is that file listed, by device and inode? */
bool inputs_have(const struct input_list *l, const char *path);
/* Adds a file that is not listed yet. */
MUST_CHECK enum status inputs_add(struct input_list *l, struct input item, struct err *e);

/* In the order given; files of a folder by name. A folder gives every *.json whose name
 * holds "results", to a depth of four; raw_* and hidden folders are left out. The same
 * file reached twice (by device and inode) is listed once. Everything lives in the arena.
 *   NOT_FOUND  a folder without results; a file that is not there is left to its reader
 */
MUST_CHECK enum status inputs_expand(const struct opt_strings *words, struct arena *a,
                                     struct input **out, size_t *count, struct err *e);
/* The text as a pattern of glob(3) that matches nothing else; in the arena, NULL: no
 * memory. */
const char *inputs_pattern(struct str text, struct arena *a);
/* True if both paths lead to one and the same file. */
bool inputs_is_same(const char *path, const char *other);

#endif
