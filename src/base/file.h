/* Files and folders. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/* Creates a folder and its parents (mode 0777 & ~umask); fine if it is there. */
MUST_CHECK enum status file_make_dirs(const char *path, struct err *e);
/* The folders that a file will be in. */
MUST_CHECK enum status file_make_parents(const char *path, struct err *e);
/* Opens a file to read it; a pipe, a device or a folder is refused, none is waited
 * for. */
MUST_CHECK enum status file_open(const char *path, int *fd, struct err *e);
/* Whether it could be opened so: of a path that a library opens by itself, which would
 * wait for a pipe, and perhaps more than once. The hint says what to do. */
MUST_CHECK enum status file_check(const char *path, struct err *e);
/* Reads a whole file into out (initialised by the caller, whose cap limits the size). */
MUST_CHECK enum status file_read(const char *path, struct buf *out, struct err *e);
/* The same of keys and configurations, which may come out of a pipe, as in bash's
 * <(...): given up after 5 s. */
MUST_CHECK enum status file_read_any(const char *path, struct buf *out, struct err *e);
/* Writes under a temporary name in the same folder, syncs, renames, syncs the folder. On
 * failure the old file is untouched and the temporary one removed. */
MUST_CHECK enum status file_replace(const char *path, struct str content, struct err *e);
/* The same of a buffer; why it failed, if it did. */
MUST_CHECK enum status file_put(const char *path, const struct buf *text, struct err *e);
/* The same in pieces, for what is too large for memory: open, write to fd, then commit
 * (which drops it where it fails) or drop. path is borrowed. */
struct file_draft {
    const char *path;
    char *temp;
    int fd;
};
MUST_CHECK enum status file_draft_open(struct file_draft *d, const char *path,
                                       struct err *e);
MUST_CHECK enum status file_draft_commit(struct file_draft *d, struct err *e);
void file_draft_drop(struct file_draft *d);
/* Writes all bytes to fd, resuming after short writes and EINTR; `name`: for messages. */
MUST_CHECK enum status file_write_all(int fd, const char *name, struct str content,
                                      struct err *e);
bool file_exists(const char *path);
bool file_is_dir(const char *path);
/* A folder's path without slashes at its end, borrowed; "/" stays. */
struct str file_without_slash(const char *path);
/* Last part of a path, borrowed. */
const char *file_base_name(const char *path);

#endif
