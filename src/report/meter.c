#include "report/meter.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "report/figure.h"
#include "report/width.h"

#define LIVE_EVERY_S    0.2
#define PLAIN_EVERY_S   10.0
#define LINE_BYTES      256
#define DEFAULT_COLUMNS 80

static void put(struct meter *m, const char *text)
{
    struct err ignored;
    m->is_line_open = file_write_all(m->log->fd, "terminal", str_from(text), &ignored) ==
                      STATUS_OK;
}

static void erase(void *arg)
{
    struct meter *m = arg;
    if (m->is_line_open)
        put(m, "\r\033[K");
    m->is_line_open = false;
}

static void redraw_soon(void *arg)
{
    struct meter *m = arg;
    if (m->is_terminal)
        m->last_shown.ns = 0;
}

void meter_begin(struct meter *m, struct log *log, const char *what)
{
    *m = (struct meter){.log = log,
                        .what = what,
                        .is_terminal = isatty(log->fd) == 1,
                        .start = clock_now(),
                        .last_shown = clock_now()};
    log->before = erase;
    log->after = redraw_soon;
    log->hook_arg = m;
}

static void describe(const struct meter *m, size_t done, size_t of, char *line)
{
    char rate[FIGURE_BYTES], left[FIGURE_BYTES];
    double elapsed_s = clock_to_s(clock_since(m->start));
    int len = snprintf(line, LINE_BYTES, "%zu/%zu %s", done, of, m->what);
    if (done == 0 || elapsed_s <= 0 || len < 0 || len >= LINE_BYTES)
        return;
    figure_number((double)done / elapsed_s, rate);
    figure_duration(elapsed_s / (double)done * (double)(of - done), left);
    (void)snprintf(line + len, LINE_BYTES - (size_t)len, "  %s/s  about %s left", rate,
                   left);
}

static void draw(struct meter *m, char *line)
{
    char out[LINE_BYTES + 16];
    struct winsize size;
    size_t columns = DEFAULT_COLUMNS;
    if (ioctl(m->log->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        columns = size.ws_col;
    line[width_fit(line, columns - 1)] = '\0';
    (void)snprintf(out, sizeof out, "\r%s\033[K", line);
    put(m, out);
}

void meter_tick(void *arg, size_t done, size_t of)
{
    struct meter *m = arg;
    char line[LINE_BYTES];
    double every_s = m->is_terminal ? LIVE_EVERY_S : PLAIN_EVERY_S;
    if (m->log->level < LOG_NOTE || done > of ||
        clock_to_s(clock_since(m->last_shown)) < every_s)
        return;
    m->last_shown = clock_now();
    describe(m, done, of, line);
    if (m->is_terminal)
        draw(m, line);
    else
        log_line(m->log, LOG_NOTE, "%s", line);
}

void meter_end(struct meter *m)
{
    erase(m);
    m->log->before = m->log->after = NULL;
    m->log->hook_arg = NULL;
}
