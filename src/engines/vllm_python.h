/* Which Python has vLLM. */
#ifndef ENGINES_VLLM_PYTHON_H
#define ENGINES_VLLM_PYTHON_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"

struct vllm_python {
    const char *path;
    const char *source; /* what named it: "--python", "VIRTUAL_ENV", ... */
    const char *vllm;   /* version of vLLM, found without importing it; NULL: none */
    const char *python; /* version of the interpreter; NULL: it does not run */
    const char *neuron; /* version of the vllm-neuron plugin; NULL: none */
    const char *rust;   /* path of vllm-rs, the Rust front-end that it brings; or NULL */
    bool is_cpu;        /* a vLLM built for CPUs */
};

/* All places where an interpreter may be, in the order of search: `given` (--python, may
 * be NULL; a folder is taken as a virtual environment), INFERBENCH_PYTHON, VIRTUAL_ENV,
 * CONDA_PREFIX, our own venv, those of the Deep Learning AMIs, python3. Each is asked
 * what it has (half a second each); those that do not exist are left out, but for the
 * first two. Lives in the arena. */
MUST_CHECK enum status vllm_python_list(const char *given, struct arena *a,
                                        struct vllm_python **out, size_t *count,
                                        struct err *e);
/* The first that has vLLM; only `given` itself if there is one. NOT_FOUND says how to
 * install. */
MUST_CHECK enum status vllm_python_find(const char *given, struct arena *a,
                                        struct vllm_python *out, struct err *e);

/* The Rust front-end, where vLLM's own variables ask for it: VLLM_USE_RUST_FRONTEND=1 the
 * one that this vLLM brings (0.33 does), VLLM_RUST_FRONTEND_PATH another. *path is NULL:
 * they do not, and its Python front-end serves, as by itself. */
MUST_CHECK enum status vllm_python_front_end(const struct vllm_python *p,
                                             const char **path, struct err *e);

#endif
