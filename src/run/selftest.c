#include "run/selftest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tempdir.h"
#include "net/stamp.h"
#include "probe/sampler.h"
#include "probe/sysfile.h"

#define ITL_S        0.05
#define ANSWER_S     1.0 /* length of an answer, about */
#define RATE_JITTER  0.2
#define SEND_TTFT_NS (5 * NS_PER_MS)
#define SEND_ITL_NS  (2 * NS_PER_MS)
#define SEND_TOKENS  4
#define CLOCK_LOOKS  50

/* How long each part takes, s. */
struct pace {
    double rate_s, step_s, step_factor;
    size_t steps;
    double send_s[SELFTEST_SENDS];
    int64_t memory_tokens;
    double again_s; /* for loads that are measured twice, in all */
    double whole_s; /* all of it, about */
};

static const struct pace full = {.rate_s = 3.6,
                                 .step_s = 1.2,
                                 .step_factor = 1.4,
                                 .steps = 8,
                                 .send_s = {7, 2},
                                 .memory_tokens = 128,
                                 .again_s = 10,
                                 .whole_s = 50};
static const struct pace quick = {.rate_s = 1,
                                  .step_s = 1,
                                  .step_factor = 2,
                                  .steps = 3,
                                  .send_s = {1.5, 1},
                                  .memory_tokens = 32,
                                  .again_s = 1.5,
                                  .whole_s = 13};
static const double send_rps[SELFTEST_SENDS] = {100, 1000};

struct testing {
    const struct selftest_job *job;
    const struct pace *pace;
    struct selftest_result *out;
    struct selftest_bed bed;
    double again_s; /* left of the pace's */
    struct tempdir folder;
    char journal_path[TEMPDIR_BYTES + 32];
};

struct selftest_load selftest_load_of(double rate_eps, int64_t streams, double seconds)
{
    double wanted = ceil(rate_eps * ITL_S);
    int64_t count = wanted < (double)streams ? (int64_t)wanted : streams;
    double itl_s = (double)count / rate_eps;
    double answer_s = seconds < ANSWER_S ? seconds : ANSWER_S;
    double tokens = fmax(2, round(answer_s / itl_s));
    double each = fmax(1, round(seconds / (tokens * itl_s)));
    return (struct selftest_load){.rate = rate_eps,
                                  .streams = count,
                                  .requests = count * (int64_t)each,
                                  .tokens = (int64_t)tokens,
                                  .ttft_ns = (int64_t)(itl_s * 1e9),
                                  .itl_ns = (int64_t)(itl_s * 1e9)};
}

/* --- the folder of the server's and the client's files */

static const char *const files[] = {"journal.jsonl", "server.jsonl", "server.out", NULL};

static enum status make_folder(struct testing *t, struct err *e)
{
    if (tempdir_make(&t->folder, "selftest", files, e) != STATUS_OK)
        return e->code;
    t->bed.place.folder = t->folder.path;
    (void)snprintf(t->journal_path, sizeof t->journal_path, "%s/journal.jsonl",
                   t->folder.path);
    return journal_create(&t->bed.journal, t->journal_path, clock_now(), e);
}

/* --- the parts */

/* Measures a load; where the client misses a limit, once more if there is time: a hiccup
 * of the host is no property of the machine. Its reasons go to `reasons`. */
static enum status measure(struct testing *t, const char *name, struct selftest_point *p,
                           struct selftest_reasons *reasons, struct err *e)
{
    size_t before = reasons->count;
    for (int i = 0; i < 2; i++) {
        struct instant start = clock_now();
        reasons->count = before;
        if (selftest_load_run(&t->bed, name, p, e) != STATUS_OK)
            return e->code;
        selftest_judge_point(p, reasons);
        double took_s = clock_to_s(clock_since(start));
        if (!selftest_judge_is_client(reasons, before) || took_s > t->again_s)
            break;
        t->again_s -= i == 0 ? took_s : 0;
    }
    t->bed.progress->repeats_done++;
    return STATUS_OK;
}

static enum status run_rates(struct testing *t, struct err *e)
{
    const struct selftest_options *o = t->job->options;
    struct selftest_result *out = t->out;
    char name[64];
    for (size_t i = 0; i < o->rate_count; i++) {
        struct selftest_point *p = &out->rates[i];
        p->load = selftest_load_of(o->rates_eps[i], o->streams, t->pace->rate_s);
        p->load.jitter = RATE_JITTER;
        (void)snprintf(name, sizeof name, "%.0f events/s", o->rates_eps[i]);
        if (measure(t, name, p, &out->reasons, e) != STATUS_OK)
            return e->code;
        out->rate_count = i + 1;
    }
    return STATUS_OK;
}

/* Where the search begins: the highest listed rate that held. False: a higher one did
 * not, so there is nothing to search. */
static bool top_rate_holds(struct testing *t)
{
    struct selftest_search *s = &t->out->search;
    for (size_t i = t->out->rate_count; i-- > 0;) {
        const struct selftest_point *p = &t->out->rates[i];
        struct selftest_reasons broke = {.count = 0};
        selftest_judge_point(p, &broke);
        if (broke.count == 0) {
            s->highest_eps = p->achieved_eps;
            break;
        }
        s->broke = broke;
        s->broke_eps = p->load.rate;
        s->has_broken = true;
    }
    return !s->has_broken;
}

static enum status run_search(struct testing *t, struct err *e)
{
    struct selftest_search *s = &t->out->search;
    const struct selftest_options *o = t->job->options;
    double rate_eps = o->rates_eps[o->rate_count - 1];
    char name[64];
    s->highest_eps = NAN;
    if (!top_rate_holds(t))
        return STATUS_OK;
    for (size_t i = 0; i < t->pace->steps && !s->has_broken; i++) {
        struct selftest_point *p = &s->steps[i];
        rate_eps = ceil(rate_eps * t->pace->step_factor / 1000) * 1000;
        p->load = selftest_load_of(rate_eps, o->streams, t->pace->step_s);
        (void)snprintf(name, sizeof name, "highest rate: %.0f events/s", rate_eps);
        if (measure(t, name, p, &s->broke, e) != STATUS_OK)
            return e->code;
        s->count = i + 1;
        s->has_broken = s->broke.count > 0;
        s->broke_eps = rate_eps;
        if (!s->has_broken)
            s->highest_eps = p->achieved_eps;
    }
    return STATUS_OK;
}

static enum status run_sends(struct testing *t, struct err *e)
{
    char name[64];
    for (size_t i = 0; i < SELFTEST_SENDS; i++) {
        struct selftest_point *p = &t->out->sends[i];
        p->load = (struct selftest_load){
            .rate = send_rps[i],
            .is_open = true,
            .requests = (int64_t)(send_rps[i] * t->pace->send_s[i]),
            .tokens = SEND_TOKENS,
            .ttft_ns = SEND_TTFT_NS,
            .itl_ns = SEND_ITL_NS,
        };
        (void)snprintf(name, sizeof name, "sends: %.0f requests/s", send_rps[i]);
        if (measure(t, name, p, &t->out->reasons, e) != STATUS_OK)
            return e->code;
    }
    return STATUS_OK;
}

static void run_memory(struct testing *t, enum status *s, struct err *e)
{
    struct selftest_memory *m = &t->out->memory;
    *m = (struct selftest_memory){.tokens = t->pace->memory_tokens,
                                  .streams = {100, 1000}};
    *s = selftest_load_memory(&t->bed, m, e);
    t->bed.progress->repeats_done++;
}

/* --- the machine */

/* 1.25 of "1.25 0.80 0.60 2/345 6789". */
static double load_average(void)
{
    char text[128];
    double load;
    if (!sysfile_read("", "/proc/loadavg", text, sizeof text))
        return NAN;
    struct str rest = str_from(text);
    return str_to_double(str_cut(&rest, ' '), &load) ? load : (double)NAN;
}

static double clock_width_us(void)
{
    int64_t best_ns = INT64_MAX;
    for (int i = 0; i < CLOCK_LOOKS; i++) {
        struct stamp_clock c;
        stamp_init(&c);
        best_ns = c.width_ns < best_ns ? c.width_ns : best_ns;
    }
    return (double)best_ns / 1e3;
}

static void look_at_machine(struct testing *t)
{
    struct selftest_machine *m = &t->out->machine;
    m->usable_cores = t->out->cores.usable;
    m->clock_width_us = clock_width_us();
    for (size_t i = 0; i < t->out->rate_count; i++)
        m->has_stamps = m->has_stamps || t->out->rates[i].has_stamps;
    const struct selftest_reasons of_loads = t->out->reasons;
    t->out->reasons.count = 0;
    selftest_judge_machine(m, &t->out->reasons);
    selftest_judge_append(&t->out->reasons, &of_loads);
}

static enum status run_parts(struct testing *t, struct err *e)
{
    enum status s;
    if (make_folder(t, e) != STATUS_OK)
        return e->code;
    selftest_cores_move(&t->out->cores, SELFTEST_CLIENT);
    run_memory(t, &s, e); /* first: nothing has grown yet */
    if (s == STATUS_OK)
        s = run_rates(t, e);
    if (s == STATUS_OK)
        s = run_search(t, e);
    if (s == STATUS_OK)
        s = run_sends(t, e);
    if (s == STATUS_OK)
        look_at_machine(t);
    selftest_cores_move(&t->out->cores, SELFTEST_ALL);
    return s;
}

static int by_rate(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum status check_rates(const struct selftest_options *o, struct err *e)
{
    if (o->rate_count == 0 || o->rate_count > SELFTEST_RATES_MAX)
        return status_fail(e, STATUS_BAD_OPTION, "--rates",
                           "expected 1 to %d rates, got %zu", SELFTEST_RATES_MAX,
                           o->rate_count);
    qsort(o->rates_eps, o->rate_count, sizeof *o->rates_eps, by_rate);
    return STATUS_OK;
}

enum status selftest_run(const struct selftest_job *job, struct selftest_result *out,
                         struct err *e)
{
    struct instant start = clock_now();
    struct sampler *sampler = NULL;
    struct progress progress;
    struct row noise = {0};
    struct testing t = {
        .job = job,
        .pace = job->options->is_quick ? &quick : &full,
        .out = out,
        .bed = {.ops = job->ops,
                .place = {.cores = &out->cores, .stop = job->stop, .stop_arg = job->arg},
                .journal = {.fd = -1},
                .progress = &progress,
                .watch = {.stop = job->stop, .arg = job->arg}}};
    *out = (struct selftest_result){
        .steal_ratio = NAN, .throttled_s = NAN, .load_before = load_average()};
    selftest_cores_find(&out->cores);
    t.again_s = t.pace->again_s;
    if (check_rates(job->options, e) != STATUS_OK ||
        sampler_start(0, "unknown", &sampler, e) != STATUS_OK)
        return e->code;
    progress_init(&progress, job->log, job->is_quiet);
    progress.num_runs = 2;
    progress.planned_s = t.pace->whole_s;
    sampler_begin(sampler);
    enum status s = run_parts(&t, e);
    sampler_end(sampler, &noise);
    sampler_stop(sampler);
    progress_end(&progress);
    journal_close(&t.bed.journal);
    tempdir_drop(&t.folder, files);
    out->steal_ratio = value_as_num(noise.v[FIELD_steal_ratio]);
    out->throttled_s = value_as_num(noise.v[FIELD_throttled_s]);
    out->duration_s = clock_to_s(clock_since(start));
    return s;
}
