#include "run/selftest_load.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "bench/request_record.h"
#include "bench/phase.h"
#include "plan/arrivals.h"
#include "probe/sysfile.h"

#define ARENA_CAP_BYTES ((size_t)8 << 30)
#define LOG_CAP_BYTES   ((size_t)1 << 30)
#define PROMPT_TOKENS   16
#define VOCABULARY      1000
#define DRAIN_S         10.0
#define REQUEST_S       60.0
#define READY_S         10.0
#define MEMORY_ITL_NS   (20 * NS_PER_MS)

/* One load while it runs. */
struct loading {
    struct selftest_bed *bed;
    struct arena arena;
    struct bench bench;
    struct engine_target target;
    const char *urls[1];
    struct selftest_server server;
    const char *phase_name;
    struct selftest_note *notes; /* [note_count]; NULL: none are kept */
    size_t note_count;
    double rss_mb; /* highest seen */
};

/* --- what is seen on the way */

static double rss_mb(void)
{
    char text[128];
    int64_t pages;
    struct str rest;
    if (!sysfile_read("", "/proc/self/statm", text, sizeof text))
        return NAN;
    rest = str_from(text);
    (void)str_cut(&rest, ' ');
    if (!str_to_i64(str_cut(&rest, ' '), &pages))
        return NAN;
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void tick(void *arg, const struct engine_progress *p)
{
    struct loading *l = arg;
    const struct engine_watch *w = &l->bed->watch;
    if (l->notes == NULL)
        l->rss_mb = fmax(l->rss_mb, rss_mb());
    if (w->tick != NULL)
        w->tick(w->arg, p);
}

static bool stop(void *arg)
{
    const struct engine_watch *w = &((struct loading *)arg)->bed->watch;
    return w->stop != NULL && w->stop(w->arg);
}

static void keep(void *arg, const struct flight *f)
{
    struct loading *l = arg;
    struct selftest_note *n = &l->notes[l->note_count];
    int64_t *at_ns = arena_alloc(&l->arena, f->count, sizeof *at_ns);
    uint8_t *stamps = arena_alloc(&l->arena, f->count, 1);
    if (at_ns == NULL || stamps == NULL)
        return;
    memcpy(at_ns, f->at_ns, f->count * sizeof *at_ns);
    for (size_t i = 0; i < f->count; i++)
        stamps[i] = (uint8_t)RECORD_STAMP(f->marks[i]);
    *n = (struct selftest_note){.request = f->request,
                                .is_ok = f->status == RECORD_OK,
                                .due_ns = f->due.ns,
                                .sent_ns = f->sent.ns,
                                .at_ns = at_ns,
                                .stamps = stamps,
                                .count = f->count};
    l->note_count++;
}

/* --- the load */

static enum status make_requests(const struct selftest_load *load, struct arena *a,
                                 struct engine_request **out, struct err *e)
{
    struct engine_request *requests = arena_alloc(a, (size_t)load->requests,
                                                  sizeof *requests);
    int32_t *ids = arena_alloc(a, PROMPT_TOKENS, sizeof *ids);
    if (requests == NULL || ids == NULL)
        return status_no_memory(e, "selftest");
    for (int32_t i = 0; i < PROMPT_TOKENS; i++)
        ids[i] = i + 1;
    for (int32_t i = 0; i < (int32_t)load->requests; i++)
        requests[i] = (struct engine_request){.index = i,
                                              .ids = ids,
                                              .id_count = PROMPT_TOKENS,
                                              .max_tokens = load->tokens};
    *out = requests;
    return STATUS_OK;
}

static enum status make_due(const struct selftest_load *load, const struct load *online,
                            struct arena *a, int64_t **out, struct err *e)
{
    if (!load->is_open)
        return STATUS_OK;
    *out = arena_alloc(a, (size_t)load->requests, sizeof **out);
    if (*out == NULL)
        return status_no_memory(e, "selftest");
    arrivals_draw(&(struct arrivals){.load = online, .stream = "selftest"}, *out,
                  (size_t)load->requests);
    return STATUS_OK;
}

/* Of an open load, well above its peak: its connections stand, so that a send's lateness
 * holds no connecting. */
static double in_flight(const struct selftest_load *load)
{
    int64_t answer_ns = load->ttft_ns + (load->tokens - 1) * load->itl_ns;
    return 2 * load->rate * (double)answer_ns / (double)NS_PER_S + 16;
}

/* Slots start evenly over one interval, so that the server's events are spread. */
static struct load online_of(const struct selftest_load *load)
{
    return (struct load){.kind = load->is_open ? LOAD_OPEN : LOAD_CLOSED,
                         .concurrency = load->streams,
                         .rate_rps = load->rate,
                         .arrival = LOAD_POISSON,
                         .burstiness = 1,
                         .max_concurrency = OPT_INT_UNSET,
                         .num_prompts = load->requests,
                         .duration_s = NAN,
                         .ramp_up_s = load->is_open ? 0 : (double)load->itl_ns / 1e9};
}

static enum status open_client(struct loading *l, bool is_open, struct err *e)
{
    struct bench *b = &l->bench;
    l->urls[0] = l->server.url;
    l->target = (struct engine_target){.base_urls = {l->urls, 1},
                                       .endpoint = "completions",
                                       .token_counts = "usage",
                                       .is_stream = true,
                                       .is_keepalive = true,
                                       .request_timeout_s = REQUEST_S,
                                       .ready_timeout_s = READY_S,
                                       .drain_interval_us = OPT_INT_UNSET,
                                       .is_closed_load = !is_open};
    *b = (struct bench){.session = {.ops = l->bed->ops,
                                    .settings = {.target = &l->target,
                                                 .vocab_size = VOCABULARY,
                                                 .temperature = 0,
                                                 .top_p = 1,
                                                 .timeout_s = READY_S},
                                    .lane_count = 1},
                        .journal = &l->bed->journal,
                        .arena = &l->arena,
                        .progress = l->bed->progress,
                        .watch = {.tick = tick, .stop = stop, .arg = l},
                        .with_gaps = true,
                        .drain_timeout_s = DRAIN_S};
    return session_open(&b->session, &b->watch, e);
}

static void client_numbers(const struct row *f, const struct phase_outcome *ended,
                           struct selftest_point *out)
{
    out->has_stamps = value_is_known(f->v[FIELD_stamp_late_p99_ms]);
    out->busy_share = value_as_num(f->v[FIELD_client_busy_share]);
    out->busy_windows = (int64_t)value_as_num(f->v[FIELD_client_busy_windows]);
    out->loop_lag_p99_us = value_as_num(f->v[FIELD_loop_lag_p99_s]) * 1e6;
    out->cpu_us_per_event = out->events > 0 ? ended->cpu_s * 1e6 / (double)out->events
                                            : (double)NAN;
    memcpy(out->first_error, ended->first_error, sizeof out->first_error);
}

static enum status send_all(struct loading *l, const struct selftest_load *load,
                            struct row *fields, struct phase_outcome *ended,
                            struct err *e)
{
    const struct load online = online_of(load);
    struct engine_request *requests = NULL;
    int64_t *due_ns = NULL;
    const struct repeat_data repeat = {.repeat = 1};
    l->phase_name = arena_text(&l->arena, "selftest-%d-%lld", (int)getpid(),
                               (long long)l->bed->phases++);
    if (make_requests(load, &l->arena, &requests, e) != STATUS_OK ||
        make_due(load, &online, &l->arena, &due_ns, e) != STATUS_OK)
        return e->code;
    const struct phase p = {.requests = requests,
                            .due_ns = due_ns,
                            .count = (size_t)load->requests,
                            .name = l->phase_name,
                            .load = &online,
                            .repeat = &repeat,
                            .ended = l->notes != NULL ? keep : NULL,
                            .ended_arg = l};
    l->bench.in_flight_mean = in_flight(load);
    return phase_run(&l->bench, &p, fields, ended, e);
}

static enum status match(struct loading *l, struct selftest_point *out, struct err *e)
{
    struct buf log;
    struct selftest_truth *truths = arena_alloc(&l->arena, (size_t)out->load.requests,
                                                sizeof *truths);
    if (truths == NULL || l->arena.has_failed)
        return status_no_memory(e, "selftest");
    buf_init(&log, LOG_CAP_BYTES);
    enum status s = file_read(l->server.log_path, &log, e);
    const struct selftest_log text = {{buf_cstr(&log), log.len}, l->phase_name};
    if (s == STATUS_OK)
        s = selftest_truth_read(&text, &l->arena, truths, (size_t)out->load.requests, e);
    const struct selftest_sides sides = {l->notes, l->note_count, truths};
    if (s == STATUS_OK)
        s = selftest_point_match(&sides, &l->arena, out, e);
    buf_fini(&log);
    return s;
}

static enum status run_load(struct loading *l, struct selftest_point *out, struct err *e)
{
    struct row fields = {0};
    struct phase_outcome ended = {0};
    const struct selftest_load *load = &out->load;
    l->notes = arena_alloc(&l->arena, (size_t)load->requests + 1, sizeof *l->notes);
    if (l->notes == NULL)
        return status_no_memory(e, "selftest");
    enum status s = selftest_server_start(&l->bed->place, load, &l->arena, &l->server, e);
    if (s == STATUS_OK)
        s = open_client(l, load->is_open, e);
    if (s == STATUS_OK)
        s = send_all(l, load, &fields, &ended, e);
    session_close(&l->bench.session);
    selftest_server_stop(&l->server);
    if (s == STATUS_OK)
        s = match(l, out, e);
    if (s == STATUS_OK)
        client_numbers(&fields, &ended, out);
    return s;
}

enum status selftest_load_run(struct selftest_bed *bed, const char *name,
                              struct selftest_point *out, struct err *e)
{
    struct loading l = {.bed = bed};
    const struct selftest_load load = out->load;
    const int64_t tries = out->tries;
    *out = (struct selftest_point){.load = load, .tries = tries + 1};
    arena_init(&l.arena, ARENA_CAP_BYTES);
    progress_repeat(bed->progress, name, 1, load.requests * load.tokens);
    enum status s = run_load(&l, out, e);
    arena_fini(&l.arena);
    return s;
}

enum status selftest_load_memory(struct selftest_bed *bed, struct selftest_memory *out,
                                 struct err *e)
{
    struct loading l = {.bed = bed};
    struct selftest_load load = {
        .tokens = out->tokens, .ttft_ns = MEMORY_ITL_NS, .itl_ns = MEMORY_ITL_NS};
    arena_init(&l.arena, ARENA_CAP_BYTES);
    progress_repeat(bed->progress, "memory", 1, 0);
    enum status s = selftest_server_start(&bed->place, &load, &l.arena, &l.server, e);
    if (s == STATUS_OK)
        s = open_client(&l, false, e);
    for (int i = 0; i < 2 && s == STATUS_OK; i++) {
        struct phase_outcome ended = {0};
        struct row fields = {0};
        load.streams = load.requests = out->streams[i];
        load.rate = (double)load.streams / ((double)MEMORY_ITL_NS / 1e9);
        l.rss_mb = NAN;
        s = send_all(&l, &load, &fields, &ended, e);
        out->rss_mb[i] = l.rss_mb;
    }
    session_close(&l.bench.session);
    selftest_server_stop(&l.server);
    arena_fini(&l.arena);
    out->bytes_per_stream = (out->rss_mb[1] - out->rss_mb[0]) * 1e6 /
                            (double)(out->streams[1] - out->streams[0]);
    return s;
}
