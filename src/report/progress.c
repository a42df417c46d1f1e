#include "report/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/figure.h"
#include "report/width.h"

#define PLAIN_EVERY_S 60.0

void progress_init(struct progress *p, struct log *log, bool is_quiet)
{
    *p = (struct progress){
        .is_quiet = is_quiet, .start = clock_now(), .warmups = 1, .planned_s = NAN};
    live_line_begin(&p->line, log);
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

static void name_parts(const struct progress *p, struct part parts[PART_COUNT])
{
    snprintf(parts[PART_CELL].text, PART_BYTES, "%s", p->cell != NULL ? p->cell : "");
    parts[PART_CELL].drop = 2;
    if (p->repeats_planned > 0)
        snprintf(parts[PART_RUN].text, PART_BYTES, "[%" PRId64 "/%" PRId64 "]",
                 p->repeats_done + 1, p->repeats_planned);
    parts[PART_RUN].drop = 3;
    if (p->repeat < p->warmups)
        snprintf(parts[PART_REPEAT].text, PART_BYTES, "warm-up");
    else if (p->num_runs == 0)
        snprintf(parts[PART_REPEAT].text, PART_BYTES, "run %" PRId64, p->repeat);
    else
        snprintf(parts[PART_REPEAT].text, PART_BYTES, "run %" PRId64 "/%" PRId64,
                 p->repeat - p->warmups + 1, p->num_runs - p->warmups);
    parts[PART_REPEAT].drop = 4;
}

static bool is_in(const struct part *part, int shortness)
{
    bool is_dropped = part->drop > 0 && shortness >= part->drop;
    return part->text[0] != '\0' && shortness >= part->from && !is_dropped;
}

static void join(const struct part parts[PART_COUNT], int shortness,
                 char line[LIVE_LINE_BYTES])
{
    const char *between = shortness == 0 ? "  " : " ";
    size_t len = 0;
    line[0] = '\0';
    for (int i = 0; i < PART_COUNT; i++) {
        if (is_in(&parts[i], shortness) && len < LIVE_LINE_BYTES - 1)
            snprintf(line + len, LIVE_LINE_BYTES - len, "%s%s", len > 0 ? between : "",
                     parts[i].text);
        len = strlen(line);
    }
}

/* The longest line that fits: by and by with fewer parts, one blank between them. */
static void fit(const struct part parts[PART_COUNT], size_t columns,
                char line[LIVE_LINE_BYTES])
{
    join(parts, 0, line);
    for (int shortness = 1; shortness <= SHORTEST && width_of(line) > columns;
         shortness++)
        join(parts, shortness, line);
}

/* What an engine does, and for how long already; a repeat with its pace. */
static void describe(const struct progress *p, const struct engine_progress *ep,
                     const char *stage, char line[LIVE_LINE_BYTES])
{
    struct part parts[PART_COUNT] = {0};
    char number[FIGURE_BYTES];
    bool is_repeat = p->cell != NULL && strcmp(stage, "running") == 0;
    double elapsed_s = clock_to_s(clock_since(is_repeat ? p->repeat_start : ep->since));
    double share = share_done(p, ep), left = left_s(p, share);
    if (is_repeat)
        name_parts(p, parts);
    else
        snprintf(parts[PART_PHASE].text, PART_BYTES, "%s", stage);
    if (is_repeat && ep->tokens_out > 0 && elapsed_s > 0.0) {
        figure_number((double)ep->tokens_out / elapsed_s, number);
        snprintf(parts[PART_SPEED].text, PART_BYTES, "%s tokens/s  %.0f%%", number,
                 100.0 * share);
    } else if (!is_repeat && elapsed_s >= 1.0) {
        figure_duration(elapsed_s, number);
        snprintf(parts[PART_SPEED].text, PART_BYTES, "for %s", number);
    }
    figure_duration(left, number);
    if (isfinite(left))
        snprintf(parts[PART_LEFT].text, PART_BYTES, "about %s left", number);
    join(parts, 0, line);
}

/* Between repeats the engine goes from "running" to "ready" and back: the line of the
 * finished repeat tells that already. */
static bool is_plain_due(const struct progress *p, bool is_new_stage)
{
    struct instant last = p->line.last_shown.ns != 0 ? p->line.last_shown : p->start;
    bool is_of_repeat = strcmp(p->stage, "running") == 0 ||
                        strcmp(p->stage, "ready") == 0;
    return (is_new_stage && !is_of_repeat) ||
           clock_to_s(clock_since(last)) >= PLAIN_EVERY_S;
}

static bool is_due(const struct progress *p, bool is_new_stage)
{
    if (!p->line.is_terminal)
        return is_plain_due(p, is_new_stage);
    return is_new_stage || live_line_is_due(&p->line, LIVE_LINE_EVERY_S);
}

void progress_tick(struct progress *p, const struct engine_progress *ep)
{
    if (p->is_quiet)
        return;
    const char *stage = ep->stage != NULL ? ep->stage : "starting";
    bool is_new_stage = strncmp(p->stage, stage, sizeof p->stage - 1) != 0;
    snprintf(p->stage, sizeof p->stage, "%s", stage);
    if (!is_due(p, is_new_stage))
        return;
    char line[LIVE_LINE_BYTES];
    describe(p, ep, stage, line);
    live_line_show(&p->line, line);
}

/* The line of a finished repeat, where no terminal is. */
static void finish(struct progress *p, const struct part parts[PART_COUNT])
{
    char line[LIVE_LINE_BYTES];
    if (!p->is_quiet && !p->line.is_terminal && p->cell != NULL) {
        fit(parts, LIVE_LINE_BYTES, line);
        live_line_show(&p->line, line);
    }
    p->repeats_done++;
}

void progress_repeat_done(struct progress *p, double tokens_per_second, const char *error)
{
    struct part parts[PART_COUNT] = {0};
    char number[FIGURE_BYTES];
    name_parts(p, parts);
    figure_number(tokens_per_second, number);
    if (error != NULL)
        snprintf(parts[PART_SPEED].text, PART_BYTES, "failed: %.140s", error);
    else
        snprintf(parts[PART_SPEED].text, PART_BYTES, "%s tokens/s", number);
    finish(p, parts);
}

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

static void count_part(struct part *part, int64_t count, const char *what)
{
    snprintf(part->text, PART_BYTES, "%" PRId64 " %s", count, what);
}

static void load_parts(const struct progress *p, const struct progress_load *load,
                       struct part parts[PART_COUNT])
{
    char number[FIGURE_BYTES];
    name_parts(p, parts);
    snprintf(parts[PART_PHASE].text, PART_BYTES, "%s", load->phase);
    count_part(&parts[PART_SENT], load->sent, "sent");
    count_part(&parts[PART_DONE], load->done, "done");
    count_part(&parts[PART_FAILED], load->failed, "failed");
    parts[PART_FAILED].drop = load->failed == 0 ? 5 : 0;
    count_part(&parts[PART_OPEN], load->in_flight, "open");
    if (isfinite(load->tokens_per_s)) {
        figure_number(load->tokens_per_s, number);
        snprintf(parts[PART_SPEED].text, PART_BYTES, "%s tok/s", number);
    }
    latency_parts(&parts[PART_TTFT], "TTFT", load->ttft_p50_ms, load->ttft_p99_ms);
    latency_parts(&parts[PART_ITL], "ITL", load->itl_p50_ms, load->itl_p99_ms);
    double left = left_s(p, isfinite(load->share) ? load->share : 0);
    if (!isfinite(left))
        return;
    figure_duration(left, number);
    snprintf(parts[PART_LEFT].text, PART_BYTES, "%s left", number);
    snprintf(parts[PART_LEFT_SHORT].text, PART_BYTES, "%s", number);
    parts[PART_LEFT].drop = parts[PART_LEFT_SHORT].from = 4;
}

struct progress_load progress_load_unknown(void)
{
    return (struct progress_load){.tokens_per_s = (double)NAN,
                                  .ttft_p50_ms = (double)NAN,
                                  .ttft_p99_ms = (double)NAN,
                                  .itl_p50_ms = (double)NAN,
                                  .itl_p99_ms = (double)NAN};
}

void progress_load(struct progress *p, const struct progress_load *load)
{
    struct part parts[PART_COUNT] = {0};
    char line[LIVE_LINE_BYTES];
    bool is_now = is_due(p, false);
    snprintf(p->stage, sizeof p->stage, "running");
    if (p->is_quiet || p->cell == NULL || !is_now)
        return;
    load_parts(p, load, parts);
    fit(parts, p->line.is_terminal ? live_line_room(&p->line) : LIVE_LINE_BYTES, line);
    live_line_show(&p->line, line);
}

void progress_load_done(struct progress *p, const struct progress_load *load,
                        const char *error)
{
    static const int moving[] = {PART_PHASE, PART_SENT, PART_OPEN, PART_LEFT,
                                 PART_LEFT_SHORT};
    struct part parts[PART_COUNT] = {0};
    load_parts(p, load, parts);
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++)
        parts[moving[i]].text[0] = '\0';
    if (error != NULL)
        snprintf(parts[PART_LEFT].text, PART_BYTES, "failed: %.80s", error);
    finish(p, parts);
}

void progress_end(struct progress *p)
{
    live_line_end(&p->line);
}

void progress_detach(struct progress *p, int fd)
{
    p->line.is_open = p->line.is_terminal = false;
    p->is_quiet = p->is_quiet || fd < 0;
    p->line.log->fd = fd;
}
