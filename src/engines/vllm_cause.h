/* The cause of a failure in the log of a dead process of vLLM's: the innermost error that
 * is not merely about another process's death, in whatever spelling it comes. */
#ifndef ENGINES_VLLM_CAUSE_H
#define ENGINES_VLLM_CAUSE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct vllm_cause {
    const char *type, *text; /* "ValueError", "To serve at least ..."; in the arena */
    /* the first of the errors during whose handling it was raised; NULL: none */
    const char *root_type, *root_text;
};

/* The last error in the log that is a cause, else the last that points to another one; a
 * refused command line is a "BadArgument". False: it names none. */
bool vllm_cause_find(struct str log, struct arena *a, struct vllm_cause *out);
/* Whether an error says only that another process failed ("See root cause above"), or
 * that the process was stopped. */
bool vllm_cause_is_second_hand(struct str type, struct str text);
/* Takes the next line of a log that is more than a warning, without what stands in front
 * of it; false: there is none. */
bool vllm_cause_take_line(struct str *log, struct str *out);
/* The signal that ended a process of vLLM's, as "Failed core proc(s): {'EngineCore': -9}"
 * tells it; 0: none. */
int vllm_cause_signal(const char *text);

#endif
