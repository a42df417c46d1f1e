/* What went wrong in vLLM, in words for its user. */
#ifndef ENGINES_VLLM_ERRORS_H
#define ENGINES_VLLM_ERRORS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/status.h"

#define VLLM_LOG_TAIL_BYTES ((int64_t)256 << 10)

struct vllm_failure {
    const char *type, *text; /* of the worker's own "error"; NULL: it died without one */
    const char *log_tail;    /* end of engine.log; "" if none */
    const char *log_path;
    const char *stage; /* what it was doing */
    const char *who;   /* "server"; NULL: "worker" */
    const char *where; /* the program that failed; NULL: "vllm" */
    bool is_running;   /* in a batch, not loading */
    bool has_hung;     /* no sign of life for `limit` */
    struct span limit;
    struct proc_end end; /* all 0: it had not ended by itself */
};

/* Fills *e with cause and advice (vllm_rules.c); returns its code. What it reported is
 * the cause unless that points elsewhere; then the log is searched. */
enum status vllm_errors_explain(const struct vllm_failure *f, struct err *e);
/* What a log holds from that byte on; a negative one counts from the end. The buffer is
 * initialised here, and empty where there is no log (path NULL too). */
void vllm_errors_read_log(const char *path, int64_t from, struct buf *out);

#endif
