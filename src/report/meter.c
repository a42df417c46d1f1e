#include "report/meter.h"

#include <stdio.h>

#include "report/figure.h"

#define PLAIN_EVERY_S 10.0

void meter_begin(struct meter *m, struct log *log, const char *what)
{
    *m = (struct meter){.what = what, .start = clock_now()};
    live_line_begin(&m->line, log);
    m->line.last_shown = m->start;
}

static void describe(const struct meter *m, size_t done, size_t of, char *line)
{
    char rate[FIGURE_BYTES], left[FIGURE_BYTES];
    double elapsed_s = clock_to_s(clock_since(m->start));
    int len = snprintf(line, LIVE_LINE_BYTES, "%zu/%zu %s", done, of, m->what);
    if (done == 0 || elapsed_s <= 0 || len < 0 || len >= LIVE_LINE_BYTES)
        return;
    figure_number((double)done / elapsed_s, rate);
    figure_duration(elapsed_s / (double)done * (double)(of - done), left);
    (void)snprintf(line + len, LIVE_LINE_BYTES - (size_t)len, "  %s/s  about %s left",
                   rate, left);
}

void meter_tick(void *arg, size_t done, size_t of)
{
    struct meter *m = arg;
    char line[LIVE_LINE_BYTES];
    double every_s = m->line.is_terminal ? LIVE_LINE_EVERY_S : PLAIN_EVERY_S;
    if (m->line.log->level < LOG_NOTE || done > of ||
        !live_line_is_due(&m->line, every_s))
        return;
    describe(m, done, of, line);
    live_line_show(&m->line, line);
}

void meter_end(struct meter *m)
{
    live_line_end(&m->line);
}
