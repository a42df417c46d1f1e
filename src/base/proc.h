/* Child processes: the only place that forks. No shell is ever involved.
 *
 * Two kinds. proc_run: a short helper whose output is wanted. proc_start: a long-lived
 * child behind a guardian, a small process of ours in between that nothing can outlive:
 *
 *     inferbench --- guardian (own session, subreaper) --- child (own session) --- its
 * children
 *
 * The guardian holds the read end of a pipe whose write end only inferbench holds. When
 * inferbench asks, or is gone however it died (kill -9 included), the guardian ends the
 * child and every descendant, those that left its group or session too: orphans become
 * the guardian's own children, and it kills until it has none. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"

#define PROC_PASS_MAX 4

struct proc_spec {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH without a
                                '/', but never in the current folder */
    const char *const *env;  /* NULL-terminated "NAME=value", added to or replacing ours;
                                NULL */
    const char *log_path;    /* stdout and stderr are appended here; NULL: thrown away */
    int pass[PROC_PASS_MAX]; /* descriptors the child keeps, under the same numbers */
    size_t pass_count;
};

struct proc_end {
    int exit_code; /* 0..255, or -1: ended by a signal */
    int signal;    /* or 0 */
};

/* A running child. Zeroed is "none": every call but proc_start accepts that. */
struct proc {
    int32_t guardian_pid;
    int32_t child_pid;
    int life_fd;   /* write end: closing it ends the child at once */
    int status_fd; /* readable when the child has ended */
    bool is_ended;
    struct proc_end end;
};

/* Starts a child. Returns once it has been executed: NOT_FOUND or IO name the program. */
MUST_CHECK enum status proc_start(const struct proc_spec *spec, struct proc *out,
                                  struct err *e);
/* True once the child has ended; then *end (may be NULL) says how. Never blocks. */
bool proc_has_ended(struct proc *p, struct proc_end *end);
/* Ends child and descendants: SIGTERM to its group, after `grace` SIGKILL to all; a grace
 * of 0 is SIGKILL at once. Returns when none is left. Idempotent. */
void proc_stop(struct proc *p, struct span grace);
/* "exit status 1" or "signal 9 (Killed)" into out. */
void proc_end_text(struct proc_end end, char *out, size_t size);

/* Runs argv to its end. stdout goes to out up to its cap, the rest is dropped; of a
 * program that fails without a word there, its stderr. *exit_code: exit status, or 128 +
 * signal.
 * NOT_FOUND: no such program; TIMEOUT: it was killed with its group. */
MUST_CHECK enum status proc_run(const char *const *argv, struct span timeout,
                                struct buf *out, int *exit_code, struct err *e);
/* Absolute or relative path of a program as execvp would find it, into out. */
MUST_CHECK enum status proc_find(const char *name, char *out, size_t size, struct err *e);

/* SIGKILL to every direct child, as /proc shows them. Async-signal-safe. */
void proc_tree_kill_children(void);

#endif
