#include "run/peers.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "net/ranks.h"
#include "run/peers_journal.h"
#include "store/ranks_merge.h"

#define START_MARGIN_S  0.02 /* for the last word before a start to reach all */
#define MERGE_CAP_BYTES ((size_t)64 << 30)
#define LEAVE_S         5 /* for the last words of a run that was stopped */

/* Where a rank stands. All that stand at one point go on together; where they do not, a
 * repeat, or the run, has ended early somewhere. */
enum point { POINT_TURN, POINT_START, POINT_END, POINT_FINISH };

struct word {
    int32_t point, status, has_turn;
    char what[256];        /* of a failure */
    struct next_turn turn; /* rank 0's */
    struct load load;      /* of that turn */
    int64_t bytes;         /* of the journal, to be sent */
};

static bool is_alone(const struct run *r)
{
    return r->peers.ranks == NULL;
}

static int count_of(const struct run *r)
{
    return ranks_count(r->peers.ranks);
}

bool run_peers_is_first(const struct run *r)
{
    return ranks_rank(r->peers.ranks) == 0;
}

/* Is its load one of several ranks? Offline each has its own. */
static bool shares_load(const struct run *r)
{
    return !is_alone(r) && r->peers.is_online;
}

bool run_peers_has_files(const struct run *r)
{
    return run_peers_is_first(r) || !shares_load(r);
}

static bool should_stop(void *arg)
{
    const struct run *r = arg;
    const struct run_host *h = r->host;
    return !r->peers.is_leaving && h->stop != NULL && h->stop(h->arg);
}

enum status run_peers_join(struct run *r, bool is_online, struct log *log, struct err *e)
{
    struct run_peers *p = &r->peers;
    p->is_online = is_online;
    if (ranks_open(r->opts->mpi, &p->ranks, e) != STATUS_OK || is_alone(r))
        return e->code;
    log->name = arena_printf(r->arena, "rank %d: ", ranks_rank(p->ranks));
    p->words = arena_alloc(r->arena, (size_t)count_of(r), sizeof(struct word));
    p->is_here = arena_alloc(r->arena, (size_t)count_of(r), sizeof *p->is_here);
    if (log->name == NULL || p->words == NULL || p->is_here == NULL)
        return status_no_memory(e, "ranks");
    ranks_on_wait(p->ranks, should_stop, r);
    if (!run_peers_is_first(r) && log->level > LOG_WARN)
        log->level = LOG_WARN;
    log_line(log, LOG_NOTE, "%d ranks by %s; progress is that of rank 0", count_of(r),
             ranks_library(p->ranks));
    return STATUS_OK;
}

/* --- one plan --- */

enum status run_peers_identify(struct run *r, char *id, size_t bytes, struct err *e)
{
    if (!shares_load(r))
        return STATUS_OK;
    return ranks_share(r->peers.ranks, "the run's id", id, bytes, e);
}

static enum status check_same(struct run *r, struct err *e)
{
    size_t bytes = sizeof r->plan.sha256;
    char *all = arena_alloc(r->arena, (size_t)count_of(r), bytes);
    if (all == NULL)
        return status_no_memory(e, "ranks");
    struct ranks_part part = {r->plan.sha256, all, bytes};
    if (ranks_gather(r->peers.ranks, "the plan", part, e) != STATUS_OK)
        return e->code;
    for (int i = 1; i < count_of(r); i++)
        if (strcmp(all, all + (size_t)i * bytes) != 0) {
            status_fail(e, STATUS_BAD_OPTION, "plan",
                        "rank %d has another one than rank 0", i);
            return status_hint(e,
                               "Give all ranks the same options, and the same files of "
                               "prompts.");
        }
    return STATUS_OK;
}

static enum status too_few(const struct run *r, const char *what, int64_t n,
                           struct err *e)
{
    status_fail(e, STATUS_BAD_OPTION, "ranks",
                "%" PRId64 " %s give %d ranks nothing to do", n, what, count_of(r));
    return status_hint(e, "Start fewer ranks, or raise the load.");
}

static enum status check_cell(const struct run *r, const struct plan_cell *c,
                              struct err *e)
{
    const struct load *l = c->load;
    int64_t least = l->kind == LOAD_CLOSED ? l->concurrency : l->max_concurrency;
    if (least != OPT_INT_UNSET && least < count_of(r))
        return too_few(r, "in flight", least, e);
    for (int64_t k = 0; k < r->plan.options.num_runs; k++)
        if (c->counts[k] < count_of(r))
            return too_few(r, "requests a repeat", c->counts[k], e);
    return STATUS_OK;
}

enum status run_peers_check(struct run *r, struct err *e)
{
    if (is_alone(r))
        return STATUS_OK;
    if (shares_load(r) && r->target.is_launched) {
        status_fail(e, STATUS_BAD_OPTION,
                    r->target.launch_command != NULL ? "--launch-command" : "--launch",
                    "given to several ranks, and one server is enough");
        return status_hint(e, "Start the server, and name it with --base-url.");
    }
    if (check_same(r, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; shares_load(r) && i < r->plan.cell_count; i++)
        if (check_cell(r, &r->plan.cells[i], e) != STATUS_OK)
            return e->code;
    return STATUS_OK;
}

enum status run_peers_start(struct run *r, struct err *e)
{
    struct begin {
        struct wall start;
        int32_t utc_offset_s;
    } begin = {r->data.start, r->data.utc_offset_s};
    if (is_alone(r))
        return STATUS_OK;
    if (ranks_share(r->peers.ranks, "the start", &begin, sizeof begin, e) != STATUS_OK)
        return e->code;
    r->data.start = begin.start;
    r->data.utc_offset_s = begin.utc_offset_s;
    return STATUS_OK;
}

/* --- folders --- */

static const char *dir_of(const struct run *r, int rank)
{
    return arena_printf(r->arena, "%s/rank_%d", r->raw_dir, rank);
}

/* The stamp that rank 0 has found free is that of all. */
static enum status claim_as_first(struct run *r, struct err *e)
{
    struct run_peers *p = &r->peers;
    struct str stamp = {0};
    const char *dir = r->opts->output_dir;
    if (run_peers_is_first(r)) {
        if (results_claim(dir, &r->data, r->arena, &r->raw_dir, e) != STATUS_OK)
            return e->code;
        stamp = str_from(r->data.stamp);
    }
    if (ranks_share_text(p->ranks, "the folder", &stamp, r->arena, e) != STATUS_OK)
        return e->code;
    r->data.stamp = arena_str(r->arena, stamp);
    r->raw_dir = arena_printf(r->arena, "%s/raw_%.*s", dir, (int)stamp.len, stamp.ptr);
    return r->arena->has_failed ? status_no_memory(e, "ranks") : STATUS_OK;
}

enum status run_peers_claim(struct run *r, const char **own, struct err *e)
{
    struct run_peers *p = &r->peers;
    if (!is_alone(r)) {
        r->data.rank = ranks_rank(p->ranks);
        r->data.ranks = count_of(r);
    }
    if (!shares_load(r)) {
        enum status s = results_claim(r->opts->output_dir, &r->data, r->arena,
                                      &r->raw_dir, e);
        *own = r->raw_dir;
        return s;
    }
    if (claim_as_first(r, e) != STATUS_OK)
        return e->code;
    *own = p->dir = dir_of(r, ranks_rank(p->ranks));
    if (p->dir == NULL)
        return status_no_memory(e, "ranks");
    if (file_make_dirs(r->raw_dir, e) != STATUS_OK)
        return e->code;
    return mkdir(p->dir, 0777) == 0 ? STATUS_OK
                                    : status_errno(e, p->dir, "cannot create the folder");
}

enum status run_peers_opened(struct run *r, struct err *e)
{
    struct run_peers *p = &r->peers;
    char here = 0, *all;
    if (!shares_load(r))
        return STATUS_OK;
    all = arena_alloc(r->arena, (size_t)count_of(r), 1);
    if (all == NULL)
        return status_no_memory(e, "ranks");
    struct ranks_part part = {&here, all, 1};
    if (ranks_gather(p->ranks, "the journals", part, e) != STATUS_OK)
        return e->code;
    for (int i = 0; run_peers_is_first(r) && i < count_of(r); i++) {
        const char *path = peers_journal_of(r, i), *dir = dir_of(r, i);
        if (path == NULL || dir == NULL)
            return status_no_memory(e, "ranks");
        p->is_here[i] = file_exists(path);
        if (!p->is_here[i] && file_make_dirs(dir, e) != STATUS_OK)
            return e->code;
    }
    return ranks_share(p->ranks, "the journals", p->is_here,
                       (size_t)count_of(r) * sizeof *p->is_here, e);
}

/* --- in step --- */

/* *other: a rank that stands elsewhere, -1: none. */
static enum status meet(struct run *r, struct word *mine, int *other, struct err *e)
{
    struct run_peers *p = &r->peers;
    const struct word *all = p->words;
    *other = -1;
    if (p->is_broken)
        return status_fail(e, STATUS_DIED, "ranks", "the run has ended elsewhere");
    struct ranks_part part = {mine, p->words, sizeof *mine};
    if (ranks_gather(p->ranks, "where all stand", part, e) != STATUS_OK) {
        p->is_broken = true;
        return e->code;
    }
    for (int i = 0; i < count_of(r); i++)
        if (all[i].point != mine->point)
            *other = i;
    return STATUS_OK;
}

/* Another one does not go on: says why, by its name. */
static enum status left_by(struct run *r, int other, struct err *e)
{
    const struct word *w = (const struct word *)r->peers.words + other;
    enum status s = w->status != STATUS_OK ? (enum status)w->status : STATUS_DIED;
    char name[32];
    (void)snprintf(name, sizeof name, "rank %d", other);
    r->peers.is_over = r->peers.is_over || w->point == POINT_FINISH;
    return status_fail(e, s, name, "%s", w->what[0] != '\0' ? w->what : "ended the run");
}

/* After a stop no rank waits long for another, and none leaves at once: others were
 * stopped, too, and come. */
static void leave_after(struct run *r, enum status s)
{
    if (s != STATUS_INTERRUPTED)
        return;
    r->peers.is_leaving = true;
    ranks_set_timeout(r->peers.ranks, LEAVE_S);
}

static enum status agree_turn(void *arg, struct next_turn *turn, bool *has_turn,
                              struct err *e)
{
    struct run *r = arg;
    struct word w = {.point = POINT_TURN, .has_turn = *has_turn};
    int other;
    if (run_peers_is_first(r) && *has_turn) {
        w.turn = *turn;
        w.load = *r->plan.cells[turn->cell].load;
    }
    if (meet(r, &w, &other, e) != STATUS_OK)
        return e->code;
    if (other >= 0)
        return left_by(r, other, e);
    const struct word *first = r->peers.words;
    *has_turn = first->has_turn;
    *turn = first->turn;
    if (first->has_turn && first->turn.cell == r->plan.cell_count)
        return plan_add(&r->plan, &first->load, r->arena, e);
    return STATUS_OK;
}

static enum status tell_clock(struct run *r, struct ranks_clock *out, struct err *e)
{
    if (ranks_clock(r->peers.ranks, out, e) != STATUS_OK)
        return e->code;
    const struct clock_data c = {clock_between(r->journal.start, out->at).ns,
                                 out->offset_ns, out->error_ns};
    return journal_clock(&r->journal, &c, e);
}

/* All are ready: clocks are compared, and the latest of the first instants that each can
 * is that of all. */
static enum status agree_start(void *arg, struct instant *at, struct err *e)
{
    struct run *r = arg;
    struct run_peers *p = &r->peers;
    struct word w = {.point = POINT_START};
    struct ranks_clock clock;
    int other;
    if (meet(r, &w, &other, e) != STATUS_OK)
        return e->code;
    if (other >= 0) { /* here the repeat is interrupted; why, its own journal says */
        (void)left_by(r, other, &p->ended);
        return status_fail(e, STATUS_INTERRUPTED, "run", "%s", p->ended.what);
    }
    if (tell_clock(r, &clock, e) != STATUS_OK)
        return e->code;
    struct span margin = clock_seconds(START_MARGIN_S);
    int64_t first_ns = clock_after(clock_now(), margin).ns + clock.offset_ns;
    int64_t *all = arena_alloc(r->arena, (size_t)count_of(r), sizeof *all);
    if (all == NULL)
        return status_no_memory(e, "ranks");
    struct ranks_part part = {&first_ns, all, sizeof first_ns};
    if (ranks_gather(p->ranks, "the start", part, e) != STATUS_OK)
        return e->code;
    for (int i = 0; i < count_of(r); i++)
        first_ns = all[i] > first_ns ? all[i] : first_ns;
    at->ns = first_ns - clock.offset_ns;
    p->is_measuring = true;
    return STATUS_OK;
}

static bool has_lost(struct run *r)
{
    struct run_peers *p = &r->peers;
    if (p->is_measuring && p->lost.code == STATUS_OK)
        (void)ranks_beat(p->ranks, NULL, &p->lost);
    return p->is_measuring && p->lost.code != STATUS_OK;
}

/* --- journals to rank 0 --- */

static int64_t journal_bytes(const struct run *r)
{
    struct stat st;
    return stat(r->journal_path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* What the words of all have promised. */
static enum status pass_journals(struct run *r, int64_t mine, struct err *e)
{
    const struct word *all = r->peers.words;
    if (!run_peers_is_first(r))
        return peers_journal_send(r, mine, e);
    for (int i = 1; i < count_of(r); i++)
        if (all[i].bytes > 0 && peers_journal_receive(r, i, all[i].bytes, e) != STATUS_OK)
            return e->code;
    return STATUS_OK;
}

static int64_t left_to_send(const struct run *r)
{
    const struct run_peers *p = &r->peers;
    int rank = ranks_rank(p->ranks);
    return rank == 0 || p->is_here[rank] ? 0 : journal_bytes(r) - p->sent_bytes;
}

/* --- the end of a repeat, and of the run --- */

/* The rank whose status is that of all: one that was stopped, else the first that
 * failed. */
static int worst(const struct run *r)
{
    const struct word *all = r->peers.words;
    int worst = 0;
    for (int i = 0; i < count_of(r); i++) {
        bool is_first = all[worst].status == STATUS_OK && all[i].status != STATUS_OK;
        bool is_stop = all[worst].status != STATUS_INTERRUPTED &&
                       all[i].status == STATUS_INTERRUPTED;
        if (is_first || is_stop)
            worst = i;
    }
    return worst;
}

/* What ended the repeat elsewhere, before it came to its end here; STATUS_OK: nothing
 * did. */
static enum status ended_before(struct run *r, struct err *why, struct err *e)
{
    struct run_peers *p = &r->peers;
    if (p->lost.code != STATUS_OK) {
        p->is_broken = true;
        *e = *why = p->lost;
        return e->code;
    }
    if (p->ended.code == STATUS_OK)
        return STATUS_OK;
    *why = p->ended;
    p->ended.code = STATUS_OK;
    if (p->is_over)
        *e = *why;
    return why->code;
}

/* All have ended the repeat: clocks once more, and what the journals have of it. */
static enum status close_repeat(struct run *r, int64_t bytes, struct err *e)
{
    struct ranks_clock clock;
    return tell_clock(r, &clock, e) != STATUS_OK ? e->code : pass_journals(r, bytes, e);
}

static enum status agree_end(void *arg, enum status s, struct err *why, struct err *e)
{
    struct run *r = arg;
    struct run_peers *p = &r->peers;
    struct word w = {.point = POINT_END, .status = s, .bytes = left_to_send(r)};
    int other;
    p->is_measuring = false;
    enum status before = ended_before(r, why, e);
    if (before != STATUS_OK)
        return before;
    leave_after(r, s);
    if (s != STATUS_OK)
        (void)snprintf(w.what, sizeof w.what, "%.255s", why->what);
    if (meet(r, &w, &other, e) != STATUS_OK)
        return e->code;
    const struct word *all = p->words;
    if (other >= 0)
        return all[other].point == POINT_FINISH ? left_by(r, other, e) : s;
    if (close_repeat(r, w.bytes, e) != STATUS_OK)
        return e->code;
    int first = worst(r);
    bool is_mine = all[first].status == STATUS_OK || first == ranks_rank(p->ranks);
    return is_mine ? s : left_by(r, first, why);
}

void run_peers_prepare(struct run *r, struct driver *d)
{
    struct bench *b = d->bench;
    if (!shares_load(r))
        return;
    b->share = (struct bench_share){ranks_rank(r->peers.ranks), count_of(r)};
    b->start = agree_start;
    b->start_arg = r;
    r->peers.has_lost = has_lost;
    d->peers = (struct driver_peers){agree_turn, agree_end, r};
}

static enum status merge(struct run *r, struct err *e)
{
    const char **dirs;
    if (!shares_load(r))
        return STATUS_OK;
    dirs = arena_alloc(r->arena, (size_t)count_of(r), sizeof *dirs);
    for (int i = 0; dirs != NULL && i < count_of(r); i++)
        dirs[i] = dir_of(r, i);
    if (r->arena->has_failed)
        return status_no_memory(e, "ranks");
    struct arena read;
    arena_init(&read, MERGE_CAP_BYTES);
    enum status s = ranks_merge(dirs, (size_t)count_of(r), r->raw_dir, &read, e);
    arena_fini(&read);
    return s;
}

enum status run_peers_read(struct run *r, struct arena *a, struct recovery *out,
                           struct err *e)
{
    run_keep_journal(r);
    if (merge(r, e) != STATUS_OK)
        return e->code;
    return results_read(r->raw_dir, r->opts->output_dir, a, out, e);
}

/* All come here, but some from a repeat that others are still in. */
static enum status collect(struct run *r, struct err *e)
{
    struct word w = {.point = POINT_FINISH, .status = r->outcome.first.code};
    int other;
    if (r->outcome.is_interrupted)
        w.status = STATUS_INTERRUPTED;
    (void)snprintf(w.what, sizeof w.what, "%.255s",
                   r->outcome.is_interrupted ? "stopped by a signal"
                                             : r->outcome.first.what);
    do {
        w.bytes = left_to_send(r);
        if (meet(r, &w, &other, e) != STATUS_OK)
            return e->code;
    } while (other >= 0);
    return pass_journals(r, w.bytes, e);
}

void run_peers_collect(struct run *r)
{
    struct err e;
    if (!shares_load(r))
        return;
    r->peers.is_leaving = true;
    if (collect(r, &e) == STATUS_OK)
        return;
    r->peers.is_broken = true;
    log_error(r->host->log, &e);
    log_line(r->host->log, LOG_WARN,
             "what this rank measured is in %s; with the folders of all ranks: "
             "inferbench recover %s",
             r->journal_path, r->raw_dir);
}

void run_peers_quit(struct run *r)
{
    if (is_alone(r))
        return;
    ranks_set_timeout(r->peers.ranks, LEAVE_S);
    ranks_close(r->peers.ranks);
    r->peers.ranks = NULL;
}

int run_peers_leave(struct run *r, int code)
{
    struct run_peers *p = &r->peers;
    struct err e;
    int32_t first = code;
    if (is_alone(r))
        return code;
    if (!shares_load(r)) { /* each at its own pace */
        ranks_set_timeout(p->ranks, INFINITY);
        ranks_close(p->ranks);
        p->ranks = NULL;
        return code;
    }
    if (p->is_broken ||
        ranks_share(p->ranks, "the exit code", &first, sizeof first, &e) != STATUS_OK)
        return code;
    ranks_close(p->ranks);
    p->ranks = NULL;
    return first;
}
