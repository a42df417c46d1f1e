#include "report/live_line.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/visible.h"
#include "report/width.h"

static void put(struct live_line *l, const char *text)
{
    struct err ignored;
    if (file_write_all(l->log->fd, "terminal", str_from(text), &ignored) != STATUS_OK)
        l->has_failed = true;
}

/* Hook: the live line steps aside while a line of the log is printed. */
static void erase(void *arg)
{
    struct live_line *l = arg;
    if (!l->is_open)
        return;
    l->is_open = false;
    put(l, "\r\033[K");
}

/* Hook: the next tick draws again at once. */
static void redraw_soon(void *arg)
{
    struct live_line *l = arg;
    if (l->is_terminal)
        l->last_shown.ns = 0;
}

void live_line_begin(struct live_line *l, struct log *log)
{
    *l = (struct live_line){
        .log = log, .is_terminal = isatty(log->fd) == 1, .columns = 80};
    log->before = erase;
    log->after = redraw_soon;
    log->hook_arg = l;
}

bool live_line_is_due(const struct live_line *l, double every_s)
{
    return l->last_shown.ns == 0 || clock_to_s(clock_since(l->last_shown)) >= every_s;
}

size_t live_line_room(struct live_line *l)
{
    struct winsize size;
    if (ioctl(l->log->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        l->columns = size.ws_col;
    return l->columns > 1 ? (size_t)l->columns - 1 : 1;
}

void live_line_show(struct live_line *l, const char *line)
{
    char text[LIVE_LINE_BYTES], out[LIVE_LINE_BYTES + 16];
    l->last_shown = clock_now();
    if (!l->is_terminal) {
        log_line(l->log, LOG_NOTE, "%s", line);
    } else if (!l->has_failed) {
        (void)visible_copy(str_from(line), false, text, sizeof text);
        text[width_fit(text, live_line_room(l))] = '\0';
        (void)snprintf(out, sizeof out, "\r%s\033[K", text);
        l->is_open = true;
        put(l, out);
    }
}

void live_line_end(struct live_line *l)
{
    erase(l);
    if (l->log->hook_arg != l)
        return;
    l->log->before = l->log->after = NULL;
    l->log->hook_arg = NULL;
}
