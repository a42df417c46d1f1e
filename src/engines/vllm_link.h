/* The worker process of the vllm engine and the line to it: docs/worker-protocol.md. */
#ifndef ENGINES_VLLM_LINK_H
#define ENGINES_VLLM_LINK_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/status.h"
#include "base/tempdir.h"
#include "core/engine.h"
#include "engines/vllm_guard.h"
#include "engines/vllm_python.h"

/* What must move for the worker to be alive. */
enum link_pulse {
    LINK_PULSE_NONE,  /* nothing is expected of it */
    LINK_PULSE_LOG,   /* loading: its log grows, or a stage is reported */
    LINK_PULSE_TOKENS /* a batch: tokens come */
};

struct vllm_link {
    struct proc proc;
    int fd; /* our end of the socket; -1: none */
    struct buf in;
    size_t taken;   /* bytes of `in` that were handed out */
    uint64_t *beat; /* shared page: steps, tokens, finished; NULL: none */
    struct arena paths;
    struct tempdir dir; /* with the worker's source and `own_log` */
    const char *worker, *own_log;
    struct vllm_guard guard;
    const char *log_path; /* engine.log */
    int64_t log_from;     /* what stands before this byte explains no later failure */
    const struct engine_watch *watch; /* whom to tell; may be NULL */
    char stage[40];
    struct instant stage_since;
    enum link_pulse pulse;
    struct span pulse_limit; /* so long without a pulse: it hangs */
    uint64_t pulse_value;
    struct instant pulse_since;
    bool is_dead; /* nothing may be sent or read any more */
};

/* Writes the worker's source to a private folder and starts it with this interpreter. The
 * log goes to raw_dir/engine.log, or into that folder if raw_dir is NULL. */
MUST_CHECK enum status vllm_link_start(struct vllm_link *l,
                                       const struct vllm_python *python,
                                       const char *raw_dir, struct err *e);
/* Sends one message (without its line end). */
MUST_CHECK enum status vllm_link_send(struct vllm_link *l, struct str line,
                                      struct err *e);
/* Reads the next event into *out (a new reference), or NULL when nothing came by `until`.
 * "stage" events are kept for the watch; an "error", the worker's end, a hang (TIMEOUT)
 * and the watch's stop (INTERRUPTED) come back as failures. All but the last kill the
 * worker. */
MUST_CHECK enum status vllm_link_read(struct vllm_link *l, struct instant until,
                                      json_t **out, struct err *e);
/* Reads until an event of this name; others are dropped. */
MUST_CHECK enum status vllm_link_await(struct vllm_link *l, const char *name,
                                       json_t **out, struct err *e);
/* Sets the stage that the watch is told, and what counts as a sign of life from now
 * on. */
void vllm_link_expect(struct vllm_link *l, const char *stage, enum link_pulse pulse,
                      struct span limit);
/* Ends the worker, removes the folder, frees all. Idempotent; fine on a zeroed link with
 * fd -1. */
void vllm_link_close(struct vllm_link *l);

#endif
