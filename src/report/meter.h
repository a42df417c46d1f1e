/* Progress of a count, e.g. rows that are sent: on a terminal one live line that steps
 * aside for the log's lines, elsewhere a plain line every 10 s. */
#ifndef REPORT_METER_H
#define REPORT_METER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/log.h"

struct meter {
    struct log *log;
    const char *what; /* behind the count: "rows sent to MLflow" */
    bool is_terminal, is_line_open;
    struct instant start, last_shown;
};

/* Draws where the log writes, unless that shows no notes. The struct must stay where it
 * is until meter_end: the log's hooks point to it. */
void meter_begin(struct meter *m, struct log *log, const char *what);
/* Called often; shows done/of, rate and time left at most 5 times a second. arg: the
 * meter. */
void meter_tick(void *arg, size_t done, size_t of);
/* Takes the live line away. */
void meter_end(struct meter *m);

#endif
