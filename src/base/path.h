/* Paths in commands that people are told to type. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/arena.h"
#include "base/buf.h"

/* The path from the root, in the arena; the path itself where it is that already, or
 * where the current folder is gone. */
const char *path_absolute(const char *path, struct arena *a);
/* Appends text as one word of a shell's command line: in quotes where it needs them. */
void path_put_word(struct buf *out, const char *text);
/* Where inferbench keeps what is the user's: $INFERBENCH_HOME, else inferbench in
 * $XDG_DATA_HOME, else in ~/.local/share. In the arena; NULL: no memory. */
const char *path_data_folder(struct arena *a);
/* Both: the path as a command has it wherever the user stands. In the arena. */
const char *path_word(const char *path, struct arena *a);

#endif
