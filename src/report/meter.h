/* Progress of a count, e.g. rows that are sent: a live line, or a plain one every 10
 * s. */
#ifndef REPORT_METER_H
#define REPORT_METER_H

#include "report/live_line.h"

struct meter {
    struct live_line line;
    const char *what; /* behind the count: "rows sent to MLflow" */
    struct instant start;
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
