#include "ranks_fixture.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "store/journal.h"

#define START_NS  INT64_C(5000000000123)
#define APART_NS  INT64_C(777000000011) /* from a rank's clock to the next one's */
#define REPEAT_NS (60 * NS_PER_S)

void ranks_fixture_init(struct ranks_fixture *r, size_t count)
{
    memset(r, 0, sizeof *r);
    folder_fixture_make(r->dir);
    for (int k = 0; k < RANKS_FIXTURE_COUNT; k++) {
        (void)snprintf(r->raw[k], sizeof r->raw[k], "%s/rank_%d", r->dir, k);
        (void)snprintf(r->path[k], sizeof r->path[k], "%s/journal.jsonl", r->raw[k]);
        r->dirs[k] = r->raw[k];
        (void)mkdir(r->raw[k], 0777);
    }
    (void)snprintf(r->whole, sizeof r->whole, "%s/whole", r->dir);
    (void)snprintf(r->merged, sizeof r->merged, "%s/merged", r->dir);
    (void)mkdir(r->whole, 0777);
    (void)mkdir(r->merged, 0777);
    online_fixture_init(&r->f, count, 7);
    online_fixture_open(&r->f, 100);
    online_fixture_poisson(&r->f, 100);
    for (size_t i = 0; i < count; i++)
        online_fixture_serve(&r->f, i, 20000 + (int64_t)i, 50000000 + (int64_t)i * 1001);
    struct run_data *run = &r->f.run;
    run->fields.v[FIELD_run_id] = value_str("0123456789abcdef0123456789abcdef");
    run->tool = "inferbench 0";
    run->command_json = "[\"inferbench\",\"online\"]";
    run->options_json = "{\"model\":\"tiny\"}";
    run->env_json = "{\"timestamp\":\"2025-11-25T18:08:07\"}";
    run->plan_sha256 = "00ff";
    run->stamp = "20251125_180807";
    r->f.repeat.fields.v[FIELD_client_busy_share] = value_num(0.01);
    r->f.repeat.fields.v[FIELD_client_busy_windows] = value_int(1);
    r->f.repeat.fields.v[FIELD_core_wait_mean_s] = value_num(1e-5);
    r->f.repeat.fields.v[FIELD_loop_lag_p99_s] = value_num(2e-5);
    r->f.repeat.fields.v[FIELD_drain_interval_us] = value_num(50);
    r->error_ns = 5000;
    r->late_rank = r->no_clock = -1;
}

void ranks_fixture_fini(struct ranks_fixture *r)
{
    online_fixture_fini(&r->f);
    folder_fixture_remove(r->dir);
}

/* --- one process, or one of them */

struct view {
    const struct ranks_fixture *r;
    int32_t rank; /* RANK_ALL: the whole */
    struct arena a;
    struct journal j;
};

/* Rank 0's clock is as far before the rank's: whole ns, and more by the drift. */
static int64_t offset_ns(const struct view *v, int64_t at_ns)
{
    double drift = (double)v->r->drift_ppb * 1e-9 * v->rank;
    return v->rank * APART_NS + (int64_t)llround((double)at_ns * drift);
}

static int64_t start_ns(const struct view *v)
{
    return START_NS + (v->rank > 0 ? v->rank * INT64_C(31000000007) : 0);
}

/* A time since the start of the run as the rank's own journal has it. */
static int64_t own_ns(const struct view *v, int64_t at_ns)
{
    if (at_ns == NS_UNKNOWN || v->rank <= 0)
        return at_ns;
    return START_NS + at_ns - offset_ns(v, at_ns) - start_ns(v);
}

static struct request_record own_request(struct view *v, const struct request_record *q,
                                         int64_t shift_ns)
{
    struct request_record own = *q;
    int64_t *times[] = {&own.due_ns,  &own.ready_ns, &own.sent_ns,
                        &own.done_ns, &own.first_ns, &own.last_ns};
    bool is_late = v->r->late_rank >= 0 &&
                   q->index % RANKS_FIXTURE_COUNT == v->r->late_rank;
    own.at_ns = arena_alloc(&v->a, own.event_count + 1, sizeof *own.at_ns);
    own.sent_ns += is_late && q->index % 5 == 0 ? 4 * NS_PER_MS : 0;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        *times[i] = own_ns(v,
                           *times[i] == NS_UNKNOWN ? NS_UNKNOWN : *times[i] + shift_ns);
    for (size_t i = 0; i < own.event_count; i++)
        own.at_ns[i] = own_ns(v, q->at_ns[i] + shift_ns);
    record_count_classes(&own);
    return own;
}

static void check(enum status s, const struct err *e)
{
    if (s != STATUS_OK)
        fail_msg("%s: %s", e->where, e->what);
}

static void clock_line(struct view *v, int64_t at_ns)
{
    struct err e;
    if (v->rank < 0 || v->rank == v->r->no_clock)
        return;
    const struct clock_data c = {own_ns(v, at_ns), offset_ns(v, at_ns),
                                 v->rank > 0 ? v->r->error_ns : 0};
    check(journal_clock(&v->j, &c, &e), &e);
}

static bool is_mine(const struct view *v, const struct request_record *q)
{
    return v->rank == RANK_ALL || q->index % RANKS_FIXTURE_COUNT == v->rank;
}

/* Lines of requests in another order than they are numbered in. */
static void write_repeat(struct view *v, int32_t n)
{
    const struct repeat_data *of = &v->r->f.repeat;
    int64_t shift_ns = n * REPEAT_NS;
    struct repeat_data own = *of;
    struct err e;
    own.repeat = n;
    own.is_warmup = n == 0;
    own.requests_planned = 0;
    for (size_t i = 0; i < of->request_count; i++)
        own.requests_planned += is_mine(v, &of->requests[i]);
    own.start_ns = own_ns(v, of->start_ns + shift_ns);
    own.phase_ns = own_ns(v, of->phase_ns + shift_ns);
    clock_line(v, of->start_ns + shift_ns - 1000);
    check(journal_repeat(&v->j, &own, &e), &e);
    for (size_t i = of->request_count; i > 0; i--)
        if (is_mine(v, &of->requests[i - 1])) {
            struct request_record q = own_request(v, &of->requests[i - 1], shift_ns);
            v->j.at_ns = q.done_ns;
            check(journal_request(&v->j, &own, &q, true, &e), &e);
        }
    v->j.at_ns = own_ns(v, (n + 1) * REPEAT_NS - NS_PER_S);
    check(journal_repeat_end(&v->j, &own, &e), &e);
    clock_line(v, (n + 1) * REPEAT_NS);
}

static void write_journal(struct ranks_fixture *r, int32_t rank, const char *path)
{
    struct view v = {.r = r, .rank = rank};
    struct run_data run = r->f.run;
    struct err e;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0);
    arena_init(&v.a, (size_t)1 << 30);
    journal_rewrite(&v.j, fd, path, (struct instant){start_ns(&v)});
    run.rank = rank == RANK_ALL ? 0 : rank;
    run.ranks = rank == RANK_ALL ? 0 : RANKS_FIXTURE_COUNT;
    check(journal_run(&v.j, &run, &e), &e);
    check(journal_cell(&v.j, 0, &run.cells[0], &e), &e);
    for (int32_t n = 0; n < RANKS_FIXTURE_REPEATS; n++)
        write_repeat(&v, n);
    v.j.at_ns = own_ns(&v, RANKS_FIXTURE_REPEATS * REPEAT_NS + 5);
    check(journal_run_end(&v.j, "done", true, &e), &e);
    journal_leave(&v.j);
    (void)close(fd);
    arena_fini(&v.a);
}

void ranks_fixture_write(struct ranks_fixture *r)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/journal.jsonl", r->whole);
    write_journal(r, RANK_ALL, path);
    for (int32_t k = 0; k < RANKS_FIXTURE_COUNT; k++)
        write_journal(r, k, r->path[k]);
}
