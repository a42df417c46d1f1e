/* What the tests of src/probe share. */
#ifndef PROBE_FIXTURE_H
#define PROBE_FIXTURE_H

#include <stdbool.h>

#include "base/arena.h"
#include "text/json.h"

/* Path below tests/captures, in a static buffer. */
const char *probe_fixture_path(const char *name);
/* Content of a capture, in the arena; fails the test where it is missing. */
const char *probe_fixture_text(const char *name, struct arena *a);
/* What `write` puts into one object, read back; the caller decrefs. */
struct jsonw;
json_t *probe_fixture_object(void (*write)(const void *facts, struct jsonw *w),
                             const void *facts);
/* An empty folder made for this test; it and its name last as long as the program. */
const char *probe_fixture_dir(void);
/* Writes a file below a folder, with its parents; mode 0755 if is_program. */
void probe_fixture_file(const char *dir, const char *name, const char *text,
                        bool is_program);

/* Builds tests/captures/fake_nvml.c and starts this program again with it in the linker's
 * path, once: the linker reads the path at the start only. Called first in main. */
void probe_fixture_fake_nvml(char **argv);

#endif
