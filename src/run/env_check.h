/* Does this machine have what a benchmark needs? */
#ifndef RUN_ENV_CHECK_H
#define RUN_ENV_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "engines/vllm_python.h"

#define ENV_CHECK_MAX 8

struct env_check {
    const char *code; /* "ENGINE", "DISK", "PROC", "MEMORY", "GPU", "NEURON", "GNUPLOT" */
    bool is_short;    /* falls short */
    const char *text; /* what was found, and what to do about it */
};

struct env_check_list {
    struct env_check items[ENV_CHECK_MAX];
    size_t count;
};

/* env_json: of struct env; python: the first interpreter with vLLM, or NULL, and then
 * `why` says what was tried. Texts live in the arena. */
struct env_check_facts {
    const char *env_json;
    const struct vllm_python *python;
    const char *why;
};

void env_check_all(const struct env_check_facts *f, struct arena *a,
                   struct env_check_list *out);
bool env_check_is_short(const struct env_check_list *list); /* any of them */
/* One line each in 80 columns, or a JSON array. */
void env_check_text(const struct env_check_list *list, struct buf *out);
void env_check_json(const struct env_check_list *list, struct buf *out);

#endif
