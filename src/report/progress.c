#include "report/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "report/figure.h"
#include "report/width.h"

#define LIVE_EVERY_S  0.2
#define PLAIN_EVERY_S 60.0
#define LINE_BYTES    512

static void put(struct progress *p, const char *text)
{
    struct err ignored;
    if (file_write_all(p->fd, "terminal", str_from(text), &ignored) != STATUS_OK)
        p->is_quiet = true;
}

/* Hook: the live line steps aside while a line of the log is printed. */
static void erase(void *arg)
{
    struct progress *p = arg;
    if (!p->is_line_open)
        return;
    p->is_line_open = false;
    put(p, "\r\033[K");
}

/* Hook: the next tick draws again at once. */
static void redraw_soon(void *arg)
{
    struct progress *p = arg;
    if (p->is_terminal)
        p->last_shown.ns = 0;
}

void progress_init(struct progress *p, struct log *log, bool is_quiet)
{
    *p = (struct progress){
        .log = log,
        .fd = log->fd,
        .is_quiet = is_quiet,
        .columns = 80,
        .start = clock_now(),
        .planned_s = NAN,
    };
    p->is_terminal = isatty(p->fd) == 1;
    log->before = erase;
    log->after = redraw_soon;
    log->hook_arg = p;
}

void progress_repeat(struct progress *p, const char *cell, int64_t repeat,
                     int64_t tokens_planned)
{
    p->cell = cell;
    p->repeat = repeat;
    p->tokens_planned = tokens_planned;
    p->repeat_start = clock_now();
    if (p->first_repeat.ns == 0)
        p->first_repeat = p->repeat_start;
}

/* Share of the running repeat that is done, 0..1. */
static double share_done(const struct progress *p, const struct engine_progress *ep)
{
    if (p->cell == NULL || p->tokens_planned <= 0)
        return 0.0;
    double share = (double)ep->tokens_out / (double)p->tokens_planned;
    return share > 1.0 ? 1.0 : share;
}

/* Seconds left: what the plan expects, else at the pace of the repeats so far; NAN
 * unknown. */
static double left_s(const struct progress *p, double share)
{
    double planned_left = p->planned_s - clock_to_s(clock_since(p->start));
    if (planned_left > 0.0)
        return planned_left;
    double done = (double)p->repeats_done + share;
    if (p->first_repeat.ns == 0 || done < 0.5 || p->repeats_planned <= 0)
        return NAN;
    double pace = clock_to_s(clock_since(p->first_repeat)) / done;
    return pace * ((double)p->repeats_planned - done);
}

static void add(char *line, const char *text)
{
    size_t len = strlen(line);
    snprintf(line + len, LINE_BYTES - len, "%s%s", len > 0 ? "  " : "", text);
}

static void describe_repeat(const struct progress *p, char *line)
{
    char text[160];
    if (p->repeats_planned > 0) {
        snprintf(text, sizeof text, "[%" PRId64 "/%" PRId64 "]", p->repeats_done + 1,
                 p->repeats_planned);
        add(line, text);
    }
    add(line, p->cell);
    if (p->repeat == 0)
        snprintf(text, sizeof text, "warm-up");
    else
        snprintf(text, sizeof text, "run %" PRId64 "/%" PRId64, p->repeat,
                 p->num_runs - 1);
    add(line, text);
}

static void describe(const struct progress *p, const struct engine_progress *ep,
                     char *line)
{
    char text[160], number[FIGURE_BYTES];
    const char *stage = ep->stage != NULL ? ep->stage : "starting";
    line[0] = '\0';
    if (p->cell != NULL && strcmp(stage, "running") == 0) {
        describe_repeat(p, line);
        double elapsed_s = clock_to_s(clock_since(p->repeat_start));
        if (ep->tokens_out > 0 && elapsed_s > 0.0) {
            figure_number((double)ep->tokens_out / elapsed_s, number);
            snprintf(text, sizeof text, "%s tokens/s  %.0f%%", number,
                     100.0 * share_done(p, ep));
            add(line, text);
        }
    } else {
        double elapsed_s = clock_to_s(clock_since(ep->since));
        add(line, stage);
        figure_duration(elapsed_s, number);
        snprintf(text, sizeof text, "for %s", number);
        if (elapsed_s >= 1.0)
            add(line, text);
    }
    double left = left_s(p, share_done(p, ep));
    if (isfinite(left)) {
        figure_duration(left, number);
        snprintf(text, sizeof text, "about %s left", number);
        add(line, text);
    }
}

/* Columns that a live line may take. */
static size_t room(struct progress *p)
{
    struct winsize size;
    if (ioctl(p->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        p->columns = size.ws_col;
    return p->columns > 1 ? (size_t)p->columns - 1 : 1;
}

static void draw(struct progress *p, char line[LINE_BYTES])
{
    char out[LINE_BYTES + 16];
    line[width_fit(line, room(p))] = '\0';
    snprintf(out, sizeof out, "\r%s\033[K", line);
    p->is_line_open = true;
    put(p, out);
}

static bool is_live_due(const struct progress *p)
{
    return p->last_shown.ns == 0 ||
           clock_to_s(clock_since(p->last_shown)) >= LIVE_EVERY_S;
}

/* Between repeats the engine goes from "running" to "ready" and back: the line of the
 * finished repeat tells that already. */
static bool is_plain_due(const struct progress *p, bool is_new_stage)
{
    struct instant last = p->last_shown.ns != 0 ? p->last_shown : p->start;
    bool is_of_repeat = strcmp(p->stage, "running") == 0 ||
                        strcmp(p->stage, "ready") == 0;
    return (is_new_stage && !is_of_repeat) ||
           clock_to_s(clock_since(last)) >= PLAIN_EVERY_S;
}

void progress_tick(struct progress *p, const struct engine_progress *ep)
{
    if (p->is_quiet)
        return;
    const char *stage = ep->stage != NULL ? ep->stage : "starting";
    bool is_new_stage = strncmp(p->stage, stage, sizeof p->stage - 1) != 0;
    snprintf(p->stage, sizeof p->stage, "%s", stage);
    if (p->is_terminal ? !is_new_stage && !is_live_due(p)
                       : !is_plain_due(p, is_new_stage))
        return;
    p->last_shown = clock_now();
    char line[LINE_BYTES];
    describe(p, ep, line);
    if (p->is_terminal)
        draw(p, line);
    else
        log_line(p->log, LOG_NOTE, "%s", line);
}

void progress_repeat_done(struct progress *p, double tokens_per_second, const char *error)
{
    if (!p->is_quiet && !p->is_terminal && p->cell != NULL) {
        char line[LINE_BYTES] = "", text[160], number[FIGURE_BYTES];
        describe_repeat(p, line);
        figure_number(tokens_per_second, number);
        if (error != NULL)
            snprintf(text, sizeof text, "failed: %.140s", error);
        else
            snprintf(text, sizeof text, "%s tokens/s", number);
        add(line, text);
        log_line(p->log, LOG_NOTE, "%s", line);
        p->last_shown = clock_now();
    }
    p->repeats_done++;
}

#define PART_BYTES 160

/* One part of a line about a load. */
struct part {
    char text[PART_BYTES];
    int from, drop; /* shortness of a line from which on it stands there, and from which
                       on it does not; drop 0: never */
};

/* In order; a part that may be shortened is followed by its short form. */
enum {
    PART_RUN,
    PART_CELL,
    PART_REPEAT,
    PART_PHASE,
    PART_SENT,
    PART_DONE,
    PART_FAILED,
    PART_OPEN,
    PART_SPEED,
    PART_TTFT,
    PART_TTFT_SHORT,
    PART_ITL,
    PART_ITL_SHORT,
    PART_LEFT,
    PART_LEFT_SHORT,
    PART_COUNT
};

#define SHORTEST 6

/* Milliseconds, short: 8.3, 23, 1240. */
static void ms_text(double ms, char out[FIGURE_BYTES])
{
    if (isfinite(ms))
        snprintf(out, FIGURE_BYTES, ms < 9.95 ? "%.1f" : "%.0f", ms);
    else
        snprintf(out, FIGURE_BYTES, "-");
}

/* "TTFT 23/45 ms": median and 99th percentile; nothing if neither is known. */
static void latency_parts(struct part parts[2], const char *name, double p50_ms,
                          double p99_ms)
{
    char p50[FIGURE_BYTES], p99[FIGURE_BYTES];
    if (!isfinite(p50_ms) && !isfinite(p99_ms))
        return;
    ms_text(p50_ms, p50);
    ms_text(p99_ms, p99);
    snprintf(parts[0].text, PART_BYTES, "%s %s/%s ms", name, p50, p99);
    snprintf(parts[1].text, PART_BYTES, "%s %s/%s", name, p50, p99);
    parts[0].drop = parts[1].from = SHORTEST;
}

static void name_parts(const struct progress *p, struct part parts[PART_COUNT])
{
    snprintf(parts[PART_CELL].text, sizeof parts->text, "%s", p->cell);
    parts[PART_CELL].drop = 2;
    if (p->repeats_planned > 0)
        snprintf(parts[PART_RUN].text, sizeof parts->text, "[%" PRId64 "/%" PRId64 "]",
                 p->repeats_done + 1, p->repeats_planned);
    parts[PART_RUN].drop = 3;
    if (p->repeat == 0)
        snprintf(parts[PART_REPEAT].text, sizeof parts->text, "warm-up");
    else
        snprintf(parts[PART_REPEAT].text, sizeof parts->text, "run %" PRId64 "/%" PRId64,
                 p->repeat, p->num_runs - 1);
    parts[PART_REPEAT].drop = 4;
}

static void count_part(struct part *part, int64_t count, const char *what)
{
    snprintf(part->text, sizeof part->text, "%" PRId64 " %s", count, what);
}

static void load_parts(const struct progress *p, const struct progress_load *load,
                       struct part parts[PART_COUNT])
{
    char number[FIGURE_BYTES];
    name_parts(p, parts);
    snprintf(parts[PART_PHASE].text, sizeof parts->text, "%s", load->phase);
    count_part(&parts[PART_SENT], load->sent, "sent");
    count_part(&parts[PART_DONE], load->done, "done");
    count_part(&parts[PART_FAILED], load->failed, "failed");
    parts[PART_FAILED].drop = load->failed == 0 ? 5 : 0;
    count_part(&parts[PART_OPEN], load->in_flight, "open");
    if (isfinite(load->tokens_per_s)) {
        figure_number(load->tokens_per_s, number);
        snprintf(parts[PART_SPEED].text, sizeof parts->text, "%s tok/s", number);
    }
    latency_parts(&parts[PART_TTFT], "TTFT", load->ttft_p50_ms, load->ttft_p99_ms);
    latency_parts(&parts[PART_ITL], "ITL", load->itl_p50_ms, load->itl_p99_ms);
    double left = left_s(p, isfinite(load->share) ? load->share : 0);
    if (!isfinite(left))
        return;
    figure_duration(left, number);
    snprintf(parts[PART_LEFT].text, sizeof parts->text, "%s left", number);
    snprintf(parts[PART_LEFT_SHORT].text, sizeof parts->text, "%s", number);
    parts[PART_LEFT].drop = parts[PART_LEFT_SHORT].from = 4;
}

static bool is_in(const struct part *part, int shortness)
{
    bool is_dropped = part->drop > 0 && shortness >= part->drop;
    return part->text[0] != '\0' && shortness >= part->from && !is_dropped;
}

/* The longest line that fits: by and by with fewer parts, one blank between them. */
static void join(const struct part parts[PART_COUNT], size_t columns,
                 char line[LINE_BYTES])
{
    for (int shortness = 0; shortness <= SHORTEST; shortness++) {
        const char *between = shortness == 0 ? "  " : " ";
        size_t len = 0;
        line[0] = '\0';
        for (int i = 0; i < PART_COUNT; i++) {
            if (is_in(&parts[i], shortness) && len < LINE_BYTES - 1)
                snprintf(line + len, LINE_BYTES - len, "%s%s", len > 0 ? between : "",
                         parts[i].text);
            len = strlen(line);
        }
        if (width_of(line) <= columns)
            return;
    }
}

void progress_load(struct progress *p, const struct progress_load *load)
{
    struct part parts[PART_COUNT] = {0};
    char line[LINE_BYTES];
    bool is_due = p->is_terminal ? is_live_due(p) : is_plain_due(p, false);
    snprintf(p->stage, sizeof p->stage, "running");
    if (p->is_quiet || p->cell == NULL || !is_due)
        return;
    p->last_shown = clock_now();
    load_parts(p, load, parts);
    join(parts, p->is_terminal ? room(p) : LINE_BYTES, line);
    if (p->is_terminal)
        draw(p, line);
    else
        log_line(p->log, LOG_NOTE, "%s", line);
}

void progress_load_done(struct progress *p, const struct progress_load *load,
                        const char *error)
{
    struct part parts[PART_COUNT] = {0};
    char line[LINE_BYTES];
    if (!p->is_quiet && !p->is_terminal && p->cell != NULL) {
        load_parts(p, load, parts);
        static const int moving[] = {PART_PHASE, PART_SENT, PART_OPEN, PART_LEFT,
                                     PART_LEFT_SHORT};
        for (size_t i = 0; i < sizeof moving / sizeof *moving; i++)
            parts[moving[i]].text[0] = '\0';
        if (error != NULL)
            snprintf(parts[PART_LEFT].text, sizeof parts->text, "failed: %.80s", error);
        join(parts, LINE_BYTES, line);
        log_line(p->log, LOG_NOTE, "%s", line);
        p->last_shown = clock_now();
    }
    p->repeats_done++;
}

void progress_end(struct progress *p)
{
    erase(p);
    if (p->log->hook_arg == p) {
        p->log->before = NULL;
        p->log->after = NULL;
        p->log->hook_arg = NULL;
    }
}

void progress_detach(struct progress *p, int fd)
{
    p->is_line_open = false;
    p->is_terminal = false;
    p->is_quiet = p->is_quiet || fd < 0;
    p->fd = fd;
    p->log->fd = fd;
}
