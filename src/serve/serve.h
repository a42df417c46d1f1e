/* A simulated OpenAI-compatible server of known timing: one thread, one loop. The kernel
 * stamps each request's arrival, the server stamps each event before it sends it. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stdbool.h>

#include "base/log.h"
#include "base/status.h"
#include "serve/settings.h"

struct serve_job {
    const struct settings *settings;
    const char *tool;        /* "inferbench 0.1.0+g1a2b3c4" */
    struct log *log;         /* notes for people */
    bool (*stop)(void *arg); /* asked four times a second at least */
    void (*listening)(void *arg, const char *url); /* requests are taken from now on */
    void *arg;
};

/* Serves until `stop` says so; then connections are closed and the log is complete.
 * STATUS_IO: the address cannot be had, or the log was not written whole. */
MUST_CHECK enum status serve_run(const struct serve_job *job, struct err *e);

#endif
