#include "engines/openai_lane.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engines/openai_answer.h"
#include "net/sock.h"
#include "stats/hist.h"

#define JOBS_CAP_BYTES ((size_t)16 << 30)
/* However much a server sends: a connection is read so often in a row, of
 * OPENAI_READ_BYTES each, and all of them for so long, before timeouts and sends that are
 * due have their turn. */
#define READS_A_TURN 4
#define SERVE_NS     (50 * NS_PER_MS)
#define PROMPT_NS    NS_PER_MS
#define SLEPT_NS     50000 /* a wait that does not sleep takes a tenth of it */

/* --- before a phase */

static enum status grow_conns(struct engine_lane *l, size_t room, struct err *e)
{
    if (room <= l->pool.conn_room)
        return STATUS_OK;
    struct openai_conn *conns = mem_resize(l->pool.conns, room, sizeof *conns);
    if (conns != NULL)
        l->pool.conns = conns;
    int32_t *idle = mem_resize(l->pool.idle, room, sizeof *idle);
    if (idle != NULL)
        l->pool.idle = idle;
    if (conns == NULL || idle == NULL)
        return status_no_memory(e, "connections of the client");
    for (; l->pool.conn_room < room; l->pool.conn_room++) {
        struct openai_conn *c = &conns[l->pool.conn_room];
        *c = (struct openai_conn){
            .fd = -1, .request = OPENAI_NOBODY, .prev = -1, .next = -1};
        buf_init(&c->out, OPENAI_BODY_CAP);
        buf_init(&c->body, OPENAI_BODY_CAP);
        c->sse.room = OPENAI_EVENT_BYTES;
        c->sse.held = mem_alloc(OPENAI_EVENT_BYTES, 1);
        if (c->sse.held == NULL)
            return status_no_memory(e, "connections of the client");
    }
    return STATUS_OK;
}

int32_t openai_lane_target(const struct engine_lane *l, int32_t request)
{
    return request % (int32_t)l->pool.setup->target_count;
}

static void write_head(const struct openai_setup *s, const struct openai_target *t,
                       bool is_kept, struct buf *out)
{
    buf_printf(out, "POST %s HTTP/1.1\r\nHost: %s\r\n", t->path, t->url.authority);
    buf_printf(out, "Content-Type: application/json\r\nAccept: %sapplication/json\r\n",
               s->options->is_stream ? "text/event-stream, " : "");
    if (s->options->api_key != NULL)
        buf_printf(out, "Authorization: Bearer %s\r\n", s->options->api_key);
    for (size_t i = 0; i < s->options->headers.count; i++)
        buf_printf(out, "%s\r\n", s->options->headers.items[i]);
    if (!is_kept)
        buf_text(out, "Connection: close\r\n");
}

static const char *max_name(const struct openai_setup *s)
{
    bool is_new = (s->dialect->traits & OPENAI_TAKES_NEW_MAX) != 0;
    return is_new && s->endpoint == OPENAI_CHAT ? "max_completion_tokens" : NULL;
}

/* All bytes of a request, into the arena. */
static enum status write_job(struct engine_lane *l, const struct engine_request *r,
                             struct buf *body, struct buf *all, struct err *e)
{
    const struct openai_setup *s = l->pool.setup;
    const unsigned traits = s->dialect->traits;
    struct openai_request q = {.endpoint = s->endpoint,
                               .model = s->model,
                               .ids = r->ids,
                               .id_count = r->id_count,
                               .text = r->text,
                               .max_tokens = r->max_tokens,
                               .temperature = s->temperature,
                               .top_p = s->top_p,
                               .ignore_eos = s->ignore_eos &&
                                             (traits & OPENAI_TAKES_LENGTHS) != 0,
                               .is_without_usage = (traits & OPENAI_TAKES_USAGE) == 0,
                               .max_name = max_name(s),
                               .renames = &s->options->renames,
                               .is_stream = s->options->is_stream,
                               .counts = s->counts,
                               .salt = (traits & OPENAI_TAKES_SALT) != 0 ? r->salt : NULL,
                               .extra_body = s->options->extra_body};
    struct openai_job *job = &l->pool.jobs[r->index - l->pool.first_job];
    buf_clear(body);
    buf_clear(all);
    if (openai_write(&q, body, e) != STATUS_OK)
        return e->code;
    int32_t target = openai_lane_target(l, r->index);
    write_head(s, &s->targets[target], openai_conn_keeps(&l->pool, target), all);
    buf_printf(all, "Content-Length: %zu\r\n", body->len);
    if (l->phase_name != NULL)
        buf_printf(all, "X-Request-Id: %s-%d\r\n", l->phase_name, (int)r->index);
    buf_text(all, "\r\n");
    buf_append(all, body->data, body->len);
    *job = (struct openai_job){.len = all->len, .conn = -1, .max_tokens = r->max_tokens};
    job->bytes = all->failed == STATUS_OK
                     ? arena_str(&l->arena,
                                 (struct str){.ptr = all->data, .len = all->len})
                     : NULL;
    return job->bytes != NULL ? STATUS_OK
                              : status_no_memory(e, "connections of the client");
}

static enum status write_jobs(struct engine_lane *l, const struct engine_prepare *p,
                              struct err *e)
{
    struct buf body, all;
    enum status s = STATUS_OK;
    arena_fini(&l->arena);
    arena_init(&l->arena, JOBS_CAP_BYTES);
    l->pool.first_job = p->requests[0].index;
    l->pool.job_count = (size_t)(p->requests[p->count - 1].index - l->pool.first_job) + 1;
    l->pool.jobs = arena_alloc(&l->arena, l->pool.job_count, sizeof *l->pool.jobs);
    if (l->pool.jobs == NULL)
        return status_no_memory(e, "connections of the client");
    buf_init(&body, OPENAI_BODY_CAP * 16);
    buf_init(&all, OPENAI_BODY_CAP * 16);
    for (size_t i = 0; i < l->pool.job_count; i++)
        l->pool.jobs[i].conn = -1;
    for (size_t i = 0; i < p->count && s == STATUS_OK; i++)
        if (p->requests[i].after == NULL)
            s = write_job(l, &p->requests[i], &body, &all, e);
    buf_fini(&all);
    buf_fini(&body);
    return s;
}

/* A request that waited for another has its prompt only now. */
static enum status write_late(struct engine_lane *l, const struct engine_request *r,
                              struct err *e)
{
    struct buf body, all;
    buf_init(&body, OPENAI_BODY_CAP * 16);
    buf_init(&all, OPENAI_BODY_CAP * 16);
    enum status s = write_job(l, r, &body, &all, e);
    buf_fini(&all);
    buf_fini(&body);
    return s;
}

enum status openai_lane_prepare(struct engine_lane *l, const struct engine_prepare *p,
                                struct err *e)
{
    if (p->count == 0)
        return STATUS_OK;
    l->pool.is_closed_load = p->is_closed_load;
    l->lag = p->lag_ns;
    l->phase_name = p->name;
    l->pool.median_gap_ns = 0;
    l->pool.gaps_seen = 0;
    /* for the events of one read, and for one send and one failure of each request */
    size_t room = OPENAI_EVENTS_A_READ + 4 * p->count + 64;
    size_t targets = l->pool.setup->target_count; /* chance may send all to one of them */
    if (openai_ready_allow(l, p, e) != STATUS_OK ||
        openai_events_reserve(&l->pool.events, room, e) != STATUS_OK ||
        grow_conns(l, (size_t)p->connections_max * targets, e) != STATUS_OK ||
        write_jobs(l, p, e) != STATUS_OK)
        return e->code;
    if (!l->pool.setup->options->is_keepalive)
        return STATUS_OK;
    return openai_ready_open(l, p, e);
}

/* --- during a phase */

enum status openai_lane_submit(struct engine_lane *l, const struct engine_request *r,
                               struct err *e)
{
    int32_t target = openai_lane_target(l, r->index), index;
    if (r->after != NULL && write_late(l, r, e) != STATUS_OK)
        return e->code;
    for (size_t i = l->pool.idle_count; i > 0; i--) {
        struct openai_conn *c = &l->pool.conns[l->pool.idle[i - 1]];
        if (c->target != target)
            continue;
        l->pool.idle[i - 1] = l->pool.idle[--l->pool.idle_count];
        openai_conn_carry(&l->pool, c, r->index);
        return STATUS_OK;
    }
    struct err why;
    if (openai_conn_open(&l->pool, target, r->index, &index, &why) == STATUS_OK)
        return STATUS_OK;
    struct event *ev = openai_events_add(&l->pool.events, EVENT_FAILED, r->index,
                                         clock_now());
    (void)snprintf(l->refusal, sizeof l->refusal, "%.150s", why.what);
    ev->fail = FAIL_refused;
    ev->text = l->refusal;
    return STATUS_OK;
}

/* [DONE] came, and not yet the end of the answer. */
static bool is_done(const struct openai_conn *c)
{
    return c->state == OPENAI_ANSWER && c->answer.done_at.ns != 0 && !c->answer.has_error;
}

enum status openai_lane_cancel(struct engine_lane *l, int32_t request, struct err *e)
{
    (void)e;
    int32_t index = l->pool.jobs[request - l->pool.first_job].conn;
    if (index < 0)
        return STATUS_OK;
    struct openai_conn *c = &l->pool.conns[index];
    const struct openai_sink sink = {&l->pool.events, l->pool.setup};
    if (is_done(c))
        openai_answer_done(&sink, c);
    else
        openai_answer_fail(&l->pool.events, c, FAIL_none, "cancelled");
    openai_conn_release(&l->pool, c, false);
    return STATUS_OK;
}

/* The gaps between tokens decide how long the lane may sleep (MEASURING.md 4.1): a
 * running median, a step of 2 % towards each new gap. */
static void learn_gap(struct engine_lane *l, struct openai_conn *c)
{
    int64_t gap_ns = c->last_token.ns != 0 ? c->newest_token.ns - c->last_token.ns : 0;
    c->last_token = c->newest_token;
    if (gap_ns <= 0)
        return;
    double gap = (double)gap_ns;
    if (l->pool.gaps_seen++ == 0)
        l->pool.median_gap_ns = gap;
    else
        l->pool.median_gap_ns *= gap > l->pool.median_gap_ns ? 1.02 : 1 / 1.02;
}

/* Decrypts what came; the bytes stay valid until the next read. */
static bool decrypt(struct engine_lane *l, struct openai_conn *c, struct str *bytes,
                    struct err *e)
{
    size_t used = 0, len;
    if (tls_feed(c->tls, bytes->ptr, bytes->len, e) != STATUS_OK)
        return false;
    if (c->state == OPENAI_TLS) {
        bytes->len = 0;
        return true;
    }
    enum tls_result r;
    while ((r = tls_read(c->tls, l->plain_buf + used, OPENAI_PLAIN_BYTES - used, &len,
                         e)) == TLS_OK)
        used += len;
    *bytes = (struct str){.ptr = l->plain_buf, .len = used};
    return r != TLS_ERROR;
}

/* [DONE] came without the end of the answer: ends it, or sees to it that this is done in
 * time. True if it has ended. */
static bool has_waited(struct engine_lane *l, struct openai_conn *c)
{
    struct openai_peer *peer = &l->pool.peers[c->target];
    const struct openai_sink sink = {&l->pool.events, l->pool.setup};
    struct instant due = {.ns = c->answer.done_read_at.ns + OPENAI_CONN_END_NS};
    bool is_patient = peer->unended_in_a_row < OPENAI_CONN_UNENDED_MOST;
    if (is_patient && clock_before(l->now, due)) {
        if (l->end_look.ns == 0 || clock_before(due, l->end_look))
            l->end_look = due;
        return false;
    }
    peer->unended++;
    peer->unended_in_a_row++;
    openai_answer_done(&sink, c);
    return true;
}

/* Part of an answer. */
static void take_answer(struct engine_lane *l, struct openai_conn *c, struct str bytes,
                        const struct openai_read *read)
{
    const struct openai_sink sink = {&l->pool.events, l->pool.setup};
    bool keep;
    if (openai_answer_read(&sink, c, bytes, read, &keep)) {
        if (is_done(c))
            l->pool.peers[c->target].unended_in_a_row = 0;
    } else if (is_done(c) && has_waited(l, c)) {
        keep = false;
    } else {
        if (c->newest_token.ns != c->last_token.ns)
            learn_gap(l, c);
        openai_conn_hasten(&l->pool, c);
        return;
    }
    l->has_ended = true;
    keep = keep && c->state == OPENAI_ANSWER && openai_conn_keeps(&l->pool, c->target);
    openai_conn_release(&l->pool, c, keep);
}

/* What one recvmsg brought. */
static void take(struct engine_lane *l, struct openai_conn *c, struct str bytes,
                 struct openai_read *read)
{
    struct err e;
    if (c->tls != NULL) {
        if (!decrypt(l, c, &bytes, &e)) {
            openai_conn_lost(&l->pool, c, false, e.what);
            return;
        }
        read->is_whole = read->is_whole && !tls_is_cut(c->tls);
    }
    if (c->state == OPENAI_TLS)
        openai_conn_advance(&l->pool, c);
    else if (bytes.len == 0)
        return;
    else if (c->state == OPENAI_ANSWER || c->state == OPENAI_SENDING)
        take_answer(l, c, bytes, read);
    else
        openai_conn_close(&l->pool, c); /* nobody asked for anything */
}

static void ended(struct engine_lane *l, struct openai_conn *c, const char *text)
{
    if (c->request == OPENAI_NOBODY) {
        (void)snprintf(c->error, sizeof c->error, "%s", text);
        openai_conn_close(&l->pool, c);
    } else if (c->answer.has_bytes && c->state == OPENAI_ANSWER &&
               (text[0] == '\0' || is_done(c))) {
        struct openai_read read = {.kernel = {.ns = NS_UNKNOWN}, .user = clock_now()};
        const struct openai_sink sink = {&l->pool.events, l->pool.setup};
        openai_answer_closed(&sink, c, &read);
        openai_conn_release(&l->pool, c, false);
    } else {
        openai_conn_lost(&l->pool, c, text[0] == '\0',
                         text[0] != '\0' ? text : "the server closed the connection");
    }
}

static bool has_room(const struct engine_lane *l)
{
    return l->pool.events.room - l->pool.events.count > OPENAI_EVENTS_A_READ;
}

/* Reads what is there: one recvmsg, more only while the buffer gets filled, or to see the
 * end of a connection that hung up. What is left then comes behind the others: no new
 * edge would tell of it. */
static void read_conn(struct engine_lane *l, struct openai_conn *c, bool has_hung_up)
{
    uint32_t generation = c->generation;
    struct sock_read got;
    for (int reads = 0; reads < READS_A_TURN && has_room(l); reads++) {
        enum sock_result r = sock_recv(c->fd, l->read_buf, OPENAI_READ_BYTES, &got);
        struct openai_read read = {.user = clock_now(), .is_whole = !got.is_full};
        read.is_prompt = clock_between(l->ready_since, read.user).ns <= PROMPT_NS;
        l->now = read.user;
        if (r == SOCK_AGAIN)
            return;
        if (r != SOCK_OK) {
            ended(l, c, r == SOCK_END ? "" : strerror(errno));
            return;
        }
        read.kernel = stamp_mono(&l->clock, got.kernel_realtime_ns);
        l->pool.is_unstamped = read.kernel.ns == NS_UNKNOWN;
        take(l, c, (struct str){.ptr = l->read_buf, .len = got.len}, &read);
        if (!(got.is_full || has_hung_up) || c->generation != generation || c->fd < 0)
            return;
    }
    loop_again(&l->pool.loop, c->fd, openai_conn_tag(&l->pool, c));
}

static void serve_conn(struct engine_lane *l, struct openai_conn *c, unsigned flags)
{
    uint32_t generation = c->generation;
    bool has_hung_up = (flags & LOOP_HANGUP) != 0;
    if (c->state == OPENAI_CLOSED)
        return;
    if (c->state == OPENAI_CONNECTING || (flags & LOOP_WRITE) != 0)
        openai_conn_advance(&l->pool, c);
    if (c->generation == generation && c->fd >= 0 && c->state != OPENAI_CONNECTING &&
        ((flags & LOOP_READ) != 0 || has_hung_up))
        read_conn(l, c, has_hung_up);
}

/* Serves what was found ready, as long as there is room for the events of a read, and
 * time; the others come first the next time. In a closed load no further than to the end
 * of an answer: the next request is due since then. */
static void serve_ready(struct engine_lane *l)
{
    const struct instant limit = {.ns = l->now.ns + SERVE_NS};
    l->has_ended = false;
    for (; l->ready_at < l->ready_count && has_room(l); l->ready_at++) {
        const struct loop_ready *r = &l->ready[l->ready_at];
        struct openai_conn *c = &l->pool.conns[(uint32_t)r->tag];
        if ((l->has_ended && l->pool.is_closed_load) || clock_before(limit, l->now))
            return;
        if (c->generation == (uint32_t)(r->tag >> 32))
            serve_conn(l, c, r->flags);
    }
}

/* A wait that slept was woken by what came; else it came since the wait before. */
static void note_arrival(struct engine_lane *l, bool has_slept)
{
    l->ready_since = has_slept ? l->now : l->looked_at;
    l->looked_at = l->now;
}

void openai_lane_turn(struct engine_lane *l, struct instant until)
{
    l->now = clock_now();
    serve_ready(l); /* what the phase before has left */
    if (l->ready_at < l->ready_count)
        return;
    struct instant entered = l->now;
    l->ready_count = loop_wait(&l->pool.loop, until, l->ready,
                               sizeof l->ready / sizeof *l->ready);
    l->ready_at = 0;
    l->now = clock_now();
    note_arrival(l, clock_between(entered, l->now).ns > SLEPT_NS);
    serve_ready(l);
}

static void record_lag(struct engine_lane *l, struct instant now, struct instant wanted)
{
    if (l->lag != NULL && now.ns >= wanted.ns)
        hist_record(l->lag, now.ns - wanted.ns);
}

/* Those that are about to end before the others. */
static void ends_first(struct engine_lane *l)
{
    for (size_t i = 0, front = 0; i < l->ready_count && front < l->pool.hastened_count;
         i++) {
        const struct loop_ready r = l->ready[i];
        if (!l->pool.conns[(uint32_t)r.tag].is_hastened)
            continue;
        l->ready[i] = l->ready[front];
        l->ready[front++] = r;
    }
}

/* Sleeps until `wake`, unless an answer ends. True if the time came for all. */
static bool doze(struct engine_lane *l, struct instant wake)
{
    l->ready_count = 0;
    if (l->pool.hastened_count > 0)
        l->ready_count = loop_doze(&l->pool.loop, wake, l->ready,
                                   sizeof l->ready / sizeof *l->ready);
    else
        clock_sleep_until(wake);
    return l->ready_count == 0;
}

/* Waits for events until `until`; lazily where the gaps between tokens are long. */
static void wait_ready(struct engine_lane *l, struct instant until)
{
    const size_t cap = sizeof l->ready / sizeof *l->ready;
    struct instant now = l->now = stamp_turn(&l->clock);
    int64_t pause_ns = l->pool.oldest >= 0 ? openai_conn_drain_ns(&l->pool) : 0;
    struct instant wake = until;
    if (pause_ns > 0 && l->last_drain.ns + pause_ns < until.ns)
        wake.ns = l->last_drain.ns + pause_ns;
    bool is_timed = wake.ns > now.ns, is_lazy = is_timed && pause_ns > 0;
    l->ready_at = 0;
    if (is_lazy && !doze(l, wake)) {
        l->ready_since = l->now = stamp_turn(&l->clock);
        return;
    }
    struct instant limit = is_lazy ? (struct instant){0} : wake;
    struct instant entered = now;
    l->ready_count = loop_wait(&l->pool.loop, limit, l->ready, cap);
    ends_first(l);
    l->now = l->last_drain = now = stamp_turn(&l->clock);
    note_arrival(l, !is_lazy && clock_between(entered, now).ns > SLEPT_NS);
    if (is_timed && (pause_ns > 0 || l->ready_count == 0))
        record_lag(l, now, wake);
}

/* Answers that have waited long enough for their end. */
static void end_unended(struct engine_lane *l)
{
    if (l->end_look.ns == 0 || clock_before(l->now, l->end_look))
        return;
    l->end_look.ns = 0;
    for (size_t i = 0; i < l->pool.conn_count; i++) {
        struct openai_conn *c = &l->pool.conns[i];
        if (!is_done(c))
            continue;
        if (l->pool.events.room - l->pool.events.count <= 1)
            l->end_look = l->now;
        else if (has_waited(l, c))
            openai_conn_release(&l->pool, c, false);
    }
}

static void end_overdue(struct engine_lane *l)
{
    double limit_s = l->pool.setup->options->request_timeout_s;
    if (l->pool.oldest < 0 || isinf(limit_s))
        return;
    struct instant last = {.ns = l->now.ns - clock_seconds(limit_s).ns};
    while (l->pool.oldest >= 0 && l->pool.conns[l->pool.oldest].sent_at.ns < last.ns &&
           l->pool.events.room - l->pool.events.count > 1) {
        struct openai_conn *c = &l->pool.conns[l->pool.oldest];
        openai_answer_fail(&l->pool.events, c, FAIL_timeout,
                           "answer unfinished after %g s", limit_s);
        openai_conn_release(&l->pool, c, false);
    }
}

enum status openai_lane_next(struct engine_lane *l, struct instant until,
                             const struct engine_watch *w, struct event_list *out,
                             struct err *e)
{
    if (w != NULL && w->stop != NULL && w->stop(w->arg))
        return status_fail(e, STATUS_INTERRUPTED, "online", "stopped by a signal");
    if (l->pool.events.at < l->pool.events.count) {
        openai_events_hand_out(&l->pool.events, out);
        return STATUS_OK;
    }
    if (l->end_look.ns != 0 && clock_before(l->end_look, until))
        until = l->end_look;
    if (l->ready_at == l->ready_count)
        wait_ready(l, until);
    else
        l->now = clock_now();
    serve_ready(l);
    end_unended(l);
    end_overdue(l);
    openai_events_hand_out(&l->pool.events, out);
    return STATUS_OK;
}

/* --- life */

enum status openai_lane_new(struct engine *en, const struct openai_setup *setup,
                            struct engine_lane **out, struct err *e)
{
    struct engine_lane *l = mem_alloc(1, sizeof *l);
    *out = l;
    if (l == NULL)
        return status_no_memory(e, "connections of the client");
    l->engine = en;
    l->pool.setup = setup;
    l->pool.oldest = l->pool.newest = -1;
    l->pool.loop = (struct loop){.epoll_fd = -1, .urgent_fd = -1};
    arena_init(&l->arena, JOBS_CAP_BYTES);
    stamp_init(&l->clock);
    l->stamp_keeper = sock_stamp_keeper();
    l->read_buf = mem_alloc(OPENAI_READ_BYTES, 1);
    l->pool.peers = mem_alloc(setup->target_count, sizeof *l->pool.peers);
    bool needs_tls = false;
    for (size_t i = 0; i < setup->target_count; i++)
        needs_tls = needs_tls || setup->targets[i].tls != NULL;
    if (needs_tls)
        l->plain_buf = mem_alloc(OPENAI_PLAIN_BYTES, 1);
    if (l->read_buf == NULL || l->pool.peers == NULL ||
        (needs_tls && l->plain_buf == NULL))
        return status_no_memory(e, "connections of the client");
    return loop_open(&l->pool.loop, e);
}

void openai_lane_free(struct engine_lane *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->pool.conn_room; i++) {
        struct openai_conn *c = &l->pool.conns[i];
        openai_conn_close(&l->pool, c);
        mem_free(c->sse.held);
        buf_fini(&c->out);
        buf_fini(&c->body);
    }
    loop_close(&l->pool.loop);
    sock_close(&l->stamp_keeper);
    arena_fini(&l->arena);
    mem_free(l->pool.conns);
    mem_free(l->pool.idle);
    mem_free(l->pool.peers);
    openai_events_fini(&l->pool.events);
    mem_free(l->read_buf);
    mem_free(l->plain_buf);
    mem_free(l);
}
