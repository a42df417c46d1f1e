/* The catalogue of causes: what vLLM, its libraries, drivers and compilers print when
 * they fail, and what to do about it. tests/captures/failures holds examples of each. */
#ifndef ENGINES_VLLM_RULES_H
#define ENGINES_VLLM_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* How to install vLLM, for hints. */
#define VLLM_INSTALL_HINT                                                            \
    "Install it. NVIDIA: python3 -m venv v && v/bin/pip install vllm; CPU: "         \
    "scripts/setup engine; Inferentia2: a Neuron Deep Learning AMI of SDK 2.28 has " \
    "one (vLLM 0.13). Then name the interpreter with --python"
/* What Inferentia2 needs. */
#define VLLM_INF2_HINT                                                                 \
    "Inferentia2 needs the vllm-neuron plugin 0.4.1 (vLLM 0.13; 0.5 at most): take a " \
    "Neuron Deep Learning AMI of SDK 2.28 (2.31 or older; since 2.32 they have none) " \
    "and name its environment with --python"

struct vllm_rule {
    const char *name;
    const char *any;    /* "a|b": one of these is in "TYPE: TEXT", */
    const char *unless; /* and none of those; may be NULL */
    enum status code;
    bool is_telling;  /* found in any line of a log it is the cause: nothing harmless
                         looks like it */
    const char *what; /* %s is the error's own text; NULL: that text alone */
    const char *hint, *hint_running; /* the second, where not NULL, for a failing batch */
};

extern const struct vllm_rule vllm_rules_list[];
extern const size_t vllm_rules_count;

bool vllm_rules_fits(const struct vllm_rule *r, const char *text);
/* The rule that fits a text, or NULL; of the telling ones alone if is_telling. */
const struct vllm_rule *vllm_rules_find(const char *text, bool is_telling);

#endif
