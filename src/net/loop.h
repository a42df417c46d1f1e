/* Edge-triggered epoll with nanosecond deadlines; one loop a thread. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"

/* HANGUP: the peer closed its side, or an error: read on to SOCK_END or SOCK_ERROR, a
 * short read notwithstanding. READ comes with it, and WRITE with an error. */
enum loop_flag { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

struct loop {
    int epoll_fd;    /* -1: closed */
    int urgent_fd;   /* epoll of those that loop_hasten named */
    bool has_pwait2; /* false: kernel without epoll_pwait2, whole milliseconds,
                        rounded up */
};

struct loop_ready {
    uint64_t tag;
    unsigned flags; /* of enum loop_flag */
};

/* To be called by the thread that will wait: sets its timer slack, 50 us as a rule, to
 * 1 ns. */
MUST_CHECK enum status loop_open(struct loop *l, struct err *e);
void loop_close(struct loop *l); /* idempotent */
/* Reads and writes, edge-triggered; tag comes back with each readiness. */
MUST_CHECK enum status loop_add(struct loop *l, int fd, uint64_t tag, struct err *e);
void loop_remove(struct loop *l, int fd);
/* What is there of `fd` comes with the next wait, though nothing new arrives: for one
 * that was left unread, behind the others. The fd and tag of loop_add. */
void loop_again(struct loop *l, int fd, uint64_t tag);
/* Waits until something is ready or `until` has come (past: only looks). Returns how many
 * of out[cap] were filled; 0 too after a signal. What does not fit
 * comes with the next wait. */
size_t loop_wait(struct loop *l, struct instant until, struct loop_ready *out,
                 size_t cap);
/* A loop that sleeps on purpose between two loop_waits, so as to wake less often, sleeps
 * in loop_doze: what it can read from `fd` ends that sleep. False if the kernel would not
 * watch it; nothing else changes then. An fd that loop_add knows, once at a time. */
bool loop_hasten(struct loop *l, int fd, uint64_t tag);
void loop_relax(struct loop *l, int fd); /* takes loop_hasten back; before the close */
/* As loop_wait, for reading from hastened ones alone; the others wait for loop_wait,
 * which tells of what was read in between with LOOP_WRITE at most. */
size_t loop_doze(struct loop *l, struct instant until, struct loop_ready *out,
                 size_t cap);

#endif
