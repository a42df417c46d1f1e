#include "net/ranks.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/ranks_mpi.h"

enum { TAG_DATA = 1, TAG_BEAT, TAG_CLOCK, TAG_END };
enum { CHUNK_BYTES = 1 << 20, CLOCK_ROUNDS = 200 };

#define NAP_MIN_NS    INT64_C(20000)
#define NAP_MAX_NS    NS_PER_MS
#define TIMEOUT_S     300.0
#define SILENCE_S     4.0
#define LOOK_EVERY_NS (100 * NS_PER_MS)

enum { BEATS_A_SILENCE = 4 };

/* What rank N tells rank 0 once a second, and rank 0 all. */
struct beat {
    int32_t has_stopped;
    int32_t code;
    char what[496]; /* names the rank */
};

/* One other process that this one hears: rank 0 hears all, the others rank 0. */
struct peer {
    struct beat in, out;
    void *receiving, *sending;
    struct instant heard;
    bool is_told; /* that this rank has stopped */
};

/* Before the data of each step: who is at another one is found out. */
struct step {
    char what[48];
    uint64_t bytes;
};

struct ranks {
    const struct ranks_link *link;
    void *self;
    int rank, count;
    char library[64];
    bool (*stop)(void *arg);
    void *stop_arg;
    struct span timeout, silence;
    bool has_waited; /* since the last ranks_beat */
    bool is_broken;  /* out of step, by `failure` */
    struct err failure;
    /* Of messages; not the caller's memory: what a failed call began may end later */
    char *in, *out;
    struct peer *peers;  /* [count]; of rank 0 alone where this is another */
    struct beat stopped; /* the first that has, or is silent, or this one */
    struct instant looked, beaten;
};

/* ---- opening ----------------------------------------------------------------------- */

static void drop(struct ranks *r)
{
    mem_free(r->in);
    mem_free(r->out);
    mem_free(r->peers);
    mem_free(r);
}

enum status ranks_open_link(const struct ranks_link *link, void *self, struct ranks **out,
                            struct err *e)
{
    *out = NULL;
    struct ranks *r = mem_alloc(1, sizeof *r);
    if (r == NULL)
        return status_no_memory(e, "ranks");
    *r = (struct ranks){.link = link,
                        .self = self,
                        .timeout = clock_seconds(TIMEOUT_S),
                        .silence = clock_seconds(SILENCE_S)};
    char why[256] = "";
    if (link->init(self, &r->rank, &r->count, why, sizeof why) != 0) {
        drop(r);
        return status_fail(e, STATUS_UNSUPPORTED, "MPI", "%s", why);
    }
    link->library(self, r->library, sizeof r->library);
    r->in = mem_alloc(1, CHUNK_BYTES);
    r->out = mem_alloc(1, CHUNK_BYTES);
    r->peers = mem_alloc((size_t)r->count, sizeof *r->peers);
    if (r->in == NULL || r->out == NULL || r->peers == NULL) {
        drop(r);
        return status_no_memory(e, "ranks");
    }
    *out = r;
    return STATUS_OK;
}

enum status ranks_open(const char *which, struct ranks **out, struct err *e)
{
    *out = NULL;
    const struct ranks_link *link = NULL;
    enum status s = ranks_mpi_find(which, &link, e);
    if (s != STATUS_OK || link == NULL)
        return s;
    return ranks_open_link(link, NULL, out, e);
}

void ranks_abort(struct ranks *r, int code)
{
    if (r != NULL)
        r->link->abort(r->self, code);
}

int ranks_rank(const struct ranks *r)
{
    return r == NULL ? 0 : r->rank;
}

int ranks_count(const struct ranks *r)
{
    return r == NULL ? 1 : r->count;
}

const char *ranks_library(const struct ranks *r)
{
    return r == NULL ? "" : r->library;
}

void ranks_on_wait(struct ranks *r, bool (*stop)(void *arg), void *arg)
{
    r->stop = stop;
    r->stop_arg = arg;
}

void ranks_set_timeout(struct ranks *r, double seconds)
{
    r->timeout = clock_seconds(seconds);
}

void ranks_set_silence(struct ranks *r, double seconds)
{
    r->silence = clock_seconds(seconds);
}

/* ---- beats ------------------------------------------------------------------------- */

static bool is_heard(const struct ranks *r, int other)
{
    return other != r->rank && (r->rank == 0 || other == 0);
}

static void note_stop(struct ranks *r, const struct beat *b)
{
    if (!r->stopped.has_stopped)
        r->stopped = *b;
}

/* Takes what has come. One receive is always begun. */
static void hear(struct ranks *r, struct instant now)
{
    for (int n = 0; n < r->count; n++) {
        struct peer *p = &r->peers[n];
        for (bool is_new = is_heard(r, n); is_new;) {
            if (p->receiving == NULL)
                p->receiving = r->link->receive(r->self, n, TAG_BEAT, &p->in,
                                                sizeof p->in);
            int state = p->receiving == NULL ? 0 : r->link->test(r->self, p->receiving);
            if (state != 0)
                p->receiving = NULL;
            is_new = state == 1;
            if (!is_new)
                continue;
            p->heard = now;
            p->in.what[sizeof p->in.what - 1] = '\0';
            if (p->in.has_stopped)
                note_stop(r, &p->in);
        }
    }
}

static void tell(struct ranks *r)
{
    for (int n = 0; n < r->count; n++) {
        struct peer *p = &r->peers[n];
        if (!is_heard(r, n) || p->is_told)
            continue;
        if (p->sending != NULL && r->link->test(r->self, p->sending) == 0)
            continue; /* the last one is still under way: the next will do */
        p->out = r->stopped;
        p->sending = r->link->send(r->self, n, TAG_BEAT, &p->out, sizeof p->out);
        p->is_told = p->sending != NULL && p->out.has_stopped;
    }
}

static bool must_tell(const struct ranks *r)
{
    for (int n = 0; r->stopped.has_stopped && n < r->count; n++)
        if (is_heard(r, n) && !r->peers[n].is_told)
            return true;
    return false;
}

static void judge_silence(struct ranks *r, struct instant now)
{
    for (int n = 0; n < r->count; n++) {
        if (!is_heard(r, n) || clock_between(r->peers[n].heard, now).ns < r->silence.ns)
            continue;
        struct beat b = {.has_stopped = 1, .code = STATUS_DIED};
        snprintf(b.what, sizeof b.what, "rank %d: nothing has come from it for %.1f s", n,
                 clock_to_s(clock_between(r->peers[n].heard, now)));
        note_stop(r, &b);
    }
}

/* At most every 100 ms; true: something was looked at. */
static bool pump(struct ranks *r, struct instant now)
{
    if (clock_between(r->looked, now).ns < LOOK_EVERY_NS)
        return false;
    r->looked = now;
    hear(r, now);
    if (must_tell(r) ||
        clock_between(r->beaten, now).ns >= r->silence.ns / BEATS_A_SILENCE) {
        r->beaten = now;
        tell(r);
    }
    return true;
}

static enum status fail_stopped(const struct ranks *r, struct err *e)
{
    return status_fail(e, (enum status)r->stopped.code, "ranks", "%s", r->stopped.what);
}

bool ranks_beat(struct ranks *r, const struct err *mine, struct err *e)
{
    struct instant now = clock_now();
    if (mine != NULL && !r->stopped.has_stopped) {
        char text[sizeof r->stopped.what - 32];
        status_format(mine, text, sizeof text);
        struct beat b = {.has_stopped = 1, .code = mine->code};
        snprintf(b.what, sizeof b.what, "rank %d: %s", r->rank, text);
        note_stop(r, &b);
        r->looked = (struct instant){0};
    }
    /* none is judged by a time in which this rank did not listen, or the others may have
     * worked between two steps */
    if (r->has_waited || clock_between(r->looked, now).ns > r->silence.ns / 2)
        for (int n = 0; n < r->count; n++)
            r->peers[n].heard = now;
    r->has_waited = false;
    if (pump(r, now))
        judge_silence(r, now);
    if (must_tell(r))
        tell(r);
    if (!r->stopped.has_stopped || mine != NULL)
        return false;
    fail_stopped(r, e);
    return true;
}

/* ---- messages ---------------------------------------------------------------------- */

static enum status broken(struct ranks *r, enum status s, const struct err *e)
{
    if (!r->is_broken && e != NULL)
        r->failure = *e;
    r->is_broken = true;
    return s;
}

static enum status still_broken(const struct ranks *r, struct err *e)
{
    if (e != NULL)
        *e = r->failure;
    return r->failure.code;
}

/* Sleeps until the request is done; `peer` is named where it is not. */
static enum status wait_for(struct ranks *r, void *request, int peer, struct err *e)
{
    struct instant begun = clock_now();
    struct span nap = {NAP_MIN_NS};
    r->has_waited = true;
    for (;;) {
        int state = request == NULL ? -1 : r->link->test(r->self, request);
        if (state > 0)
            return STATUS_OK;
        if (state < 0)
            return status_fail(e, STATUS_DIED, "ranks", "no message to or from rank %d",
                               peer);
        struct instant now = clock_now();
        pump(r, now);
        if (r->stop != NULL && r->stop(r->stop_arg))
            return status_fail(e, STATUS_INTERRUPTED, "ranks",
                               "stopped while waiting for rank %d", peer);
        if (clock_between(begun, now).ns > r->timeout.ns)
            return status_fail(e, STATUS_DIED, "ranks",
                               "rank %d: nothing has come from it for %.1f s", peer,
                               clock_to_s(r->timeout));
        clock_sleep_until(clock_after(now, nap));
        nap.ns = nap.ns * 2 < NAP_MAX_NS ? nap.ns * 2 : NAP_MAX_NS;
    }
}

static size_t chunk_of(size_t left)
{
    return left < CHUNK_BYTES ? left : CHUNK_BYTES;
}

static enum status send_all(struct ranks *r, int to, struct str data, struct err *e)
{
    if (r->is_broken)
        return still_broken(r, e);
    struct err own;
    for (size_t at = 0, n = 0; at < data.len; at += n) {
        n = chunk_of(data.len - at);
        memcpy(r->out, data.ptr + at, n);
        void *request = r->link->send(r->self, to, TAG_DATA, r->out, n);
        enum status s = wait_for(r, request, to, &own);
        if (s != STATUS_OK) {
            broken(r, s, &own);
            return still_broken(r, e);
        }
    }
    return STATUS_OK;
}

static enum status receive_all(struct ranks *r, int from, void *data, size_t bytes,
                               struct err *e)
{
    if (r->is_broken)
        return still_broken(r, e);
    struct err own;
    for (size_t at = 0, n = 0; at < bytes; at += n) {
        n = chunk_of(bytes - at);
        void *request = r->link->receive(r->self, from, TAG_DATA, r->in, n);
        enum status s = wait_for(r, request, from, &own);
        if (s != STATUS_OK) {
            broken(r, s, &own);
            return still_broken(r, e);
        }
        memcpy((char *)data + at, r->in, n);
    }
    return STATUS_OK;
}

enum status ranks_send(struct ranks *r, int to, struct str bytes, struct err *e)
{
    return send_all(r, to, bytes, e);
}

enum status ranks_receive(struct ranks *r, int from, void *data, size_t bytes,
                          struct err *e)
{
    return receive_all(r, from, data, bytes, e);
}

/* ---- of all together --------------------------------------------------------------- */

static struct step step_of(const char *what, size_t bytes)
{
    struct step s = {.bytes = bytes};
    snprintf(s.what, sizeof s.what, "%s", what);
    return s;
}

static enum status send_step(struct ranks *r, int to, const char *what, struct str data,
                             struct err *e)
{
    struct step mine = step_of(what, data.len);
    enum status s = send_all(r, to, (struct str){(char *)&mine, sizeof mine}, e);
    return s != STATUS_OK ? s : send_all(r, to, data, e);
}

/* Receives the head of a step; *bytes SIZE_MAX: any length, which is put there. */
static enum status meet(struct ranks *r, int from, const char *what, size_t *bytes,
                        struct err *e)
{
    struct step mine = step_of(what, *bytes), theirs = {0};
    enum status s = receive_all(r, from, &theirs, sizeof theirs, e);
    if (s != STATUS_OK)
        return s;
    theirs.what[sizeof theirs.what - 1] = '\0';
    bool is_same = str_same(mine.what, theirs.what) &&
                   (*bytes == SIZE_MAX || mine.bytes == theirs.bytes);
    if (!is_same) {
        struct err own;
        s = status_fail(&own, STATUS_INTERNAL, "ranks",
                        "rank %d is at \"%s\" (%llu bytes), this one at \"%s\" (%llu)",
                        from, theirs.what, (unsigned long long)theirs.bytes, mine.what,
                        (unsigned long long)mine.bytes);
        status_hint(&own, "do all machines have the same inferbench?");
        broken(r, s, &own);
        return still_broken(r, e);
    }
    *bytes = (size_t)theirs.bytes;
    return STATUS_OK;
}

enum status ranks_share(struct ranks *r, const char *what, void *data, size_t bytes,
                        struct err *e)
{
    enum status s = STATUS_OK;
    if (r->rank == 0) {
        for (int n = 1; s == STATUS_OK && n < r->count; n++)
            s = send_step(r, n, what, (struct str){data, bytes}, e);
        return s;
    }
    s = meet(r, 0, what, &bytes, e);
    return s != STATUS_OK ? s : receive_all(r, 0, data, bytes, e);
}

enum status ranks_gather(struct ranks *r, const char *what, struct ranks_part p,
                         struct err *e)
{
    enum status s = STATUS_OK;
    if (r->rank != 0)
        s = send_step(r, 0, what, (struct str){p.mine, p.bytes}, e);
    else if (p.bytes > 0)
        memcpy(p.all, p.mine, p.bytes);
    for (int n = 1; r->rank == 0 && s == STATUS_OK && n < r->count; n++) {
        s = meet(r, n, what, &p.bytes, e);
        if (s == STATUS_OK)
            s = receive_all(r, n, (char *)p.all + (size_t)n * p.bytes, p.bytes, e);
    }
    if (s != STATUS_OK)
        return s;
    return ranks_share(r, what, p.all, p.bytes * (size_t)r->count, e);
}

enum status ranks_share_text(struct ranks *r, const char *what, struct str *text,
                             struct arena *a, struct err *e)
{
    if (r->rank == 0)
        return ranks_share(r, what, (void *)(uintptr_t)text->ptr, text->len, e);
    size_t bytes = SIZE_MAX;
    enum status s = meet(r, 0, what, &bytes, e);
    if (s != STATUS_OK)
        return s;
    char *copy = bytes < SIZE_MAX ? arena_alloc(a, bytes + 1, 1) : NULL;
    if (copy == NULL) {
        broken(r, status_no_memory(&r->failure, what), NULL);
        return still_broken(r, e);
    }
    *text = (struct str){copy, bytes};
    return receive_all(r, 0, copy, bytes, e);
}

/* ---- clocks ------------------------------------------------------------------------ */

/* Asks without sleeping: what is waited for is microseconds away. */
static enum status spin_for(struct ranks *r, void *request, int peer, struct err *e)
{
    struct instant begun = clock_now();
    for (int state = 0; state == 0;) {
        state = request == NULL ? -1 : r->link->test(r->self, request);
        if (state > 0)
            return STATUS_OK;
        if (state == 0 && clock_since(begun).ns > NS_PER_MS)
            return wait_for(r, request, peer, e); /* it is off its core */
    }
    return status_fail(e, STATUS_DIED, "ranks", "no message to or from rank %d", peer);
}

static enum status pass(struct ranks *r, int peer, bool is_send, int64_t *ns,
                        struct err *e)
{
    void *request = is_send
                        ? r->link->send(r->self, peer, TAG_CLOCK, r->out, sizeof *ns)
                        : r->link->receive(r->self, peer, TAG_CLOCK, r->in, sizeof *ns);
    enum status s = spin_for(r, request, peer, e);
    return s;
}

/* Rank 0: answers each ping with its time. */
static enum status answer(struct ranks *r, int peer, struct err *e)
{
    enum status s = STATUS_OK;
    for (int i = 0; s == STATUS_OK && i < CLOCK_ROUNDS; i++) {
        int64_t ns = 0;
        s = pass(r, peer, false, &ns, e);
        ns = clock_now().ns;
        memcpy(r->out, &ns, sizeof ns);
        if (s == STATUS_OK)
            s = pass(r, peer, true, &ns, e);
    }
    return s;
}

static enum status ask(struct ranks *r, struct ranks_clock *out, struct err *e)
{
    enum status s = STATUS_OK;
    int64_t best = INT64_MAX;
    for (int i = 0; s == STATUS_OK && i < CLOCK_ROUNDS; i++) {
        int64_t ns = 0;
        struct instant sent = clock_now();
        s = pass(r, 0, true, &ns, e);
        if (s == STATUS_OK)
            s = pass(r, 0, false, &ns, e);
        struct instant back = clock_now();
        memcpy(&ns, r->in, sizeof ns);
        int64_t trip = clock_between(sent, back).ns;
        if (s != STATUS_OK || trip >= best)
            continue;
        best = trip;
        out->at = (struct instant){sent.ns + trip / 2};
        out->offset_ns = ns - out->at.ns;
        out->error_ns = (trip + 1) / 2;
    }
    return s;
}

enum status ranks_clock(struct ranks *r, struct ranks_clock *out, struct err *e)
{
    if (r->is_broken)
        return still_broken(r, e);
    *out = (struct ranks_clock){.at = clock_now()};
    static const char what[] = "clock";
    struct err own = {0};
    enum status s = STATUS_OK;
    size_t none = 0;
    /* each in turn, asleep until it is its turn: a spinning one is alone with rank 0 */
    for (int n = 1; r->rank == 0 && s == STATUS_OK && n < r->count; n++) {
        s = send_step(r, n, what, (struct str){0}, &own);
        if (s == STATUS_OK)
            s = answer(r, n, &own);
    }
    if (r->rank != 0) {
        s = meet(r, 0, what, &none, &own);
        if (s == STATUS_OK)
            s = ask(r, out, &own);
    }
    if (s == STATUS_OK)
        return s;
    broken(r, s, &own);
    return still_broken(r, e);
}

/* ---- the end ----------------------------------------------------------------------- */

static bool end_with(struct ranks *r, int peer, bool is_send)
{
    void *request = is_send ? r->link->send(r->self, peer, TAG_END, r->out, 1)
                            : r->link->receive(r->self, peer, TAG_END, r->in, 1);
    struct instant begun = clock_now();
    int state = 0;
    while (request != NULL && state == 0 && clock_since(begun).ns < r->timeout.ns) {
        state = r->link->test(r->self, request);
        if (state == 0) {
            pump(r, clock_now());
            clock_sleep_until(clock_after(clock_now(), (struct span){NAP_MAX_NS}));
        }
    }
    if (request != NULL && state == 0 && !is_send)
        r->link->cancel(r->self, request);
    return state == 1;
}

static bool end_together(struct ranks *r)
{
    bool is_good = true;
    if (r->rank != 0)
        return end_with(r, 0, true) && end_with(r, 0, false);
    for (int n = 1; n < r->count; n++)
        is_good = end_with(r, n, false) && is_good;
    for (int n = 1; is_good && n < r->count; n++)
        is_good = end_with(r, n, true);
    return is_good;
}

void ranks_close(struct ranks *r)
{
    if (r == NULL)
        return;
    if (!end_together(r)) {
        r->link->abort(r->self, 1);
        return; /* its memory may be in use */
    }
    for (int n = 0; n < r->count; n++)
        if (r->peers[n].receiving != NULL)
            r->link->cancel(r->self, r->peers[n].receiving);
    r->link->finalize(r->self);
    drop(r);
}
