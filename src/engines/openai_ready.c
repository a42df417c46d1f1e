/* Connections that stand before a phase begins: as many as are expected in flight, for an
 * idle one may hold a thread of the server. */
#include <stdio.h>
#include <sys/resource.h>

#include "engines/openai_lane.h"

#define CONNECT_TIMEOUT_S 10.0
#define OTHER_FILES       64 /* of this process, besides connections */
#define ROUNDS            8  /* of opening what was closed again before the start */

enum status openai_ready_allow(const struct engine_lane *l,
                               const struct engine_prepare *p, struct err *e)
{
    struct rlimit limit;
    rlim_t lanes = l->pool.setup->lane_count > 0 ? l->pool.setup->lane_count : 1;
    rlim_t needed = (rlim_t)p->connections * lanes + OTHER_FILES;
    rlim_t wanted = (rlim_t)p->connections_max * l->pool.setup->target_count * lanes +
                    OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return STATUS_OK;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed)
        return STATUS_OK;
    status_fail(
        e, STATUS_BAD_OPTION, "ulimit -n",
        "%llu concurrent connections need %llu open files, but only %llu are allowed",
        (unsigned long long)(needed - OTHER_FILES), (unsigned long long)needed,
        (unsigned long long)limit.rlim_max);
    return status_hint(e, "Run `ulimit -Hn %llu` as root first, or lower the load",
                       (unsigned long long)needed);
}

static size_t expected(const struct engine_prepare *p)
{
    size_t most = (size_t)p->connections;
    return most < p->count ? most : p->count;
}

/* Of them to a target: the first requests will use them. */
static size_t expected_to(const struct engine_lane *l, const struct engine_prepare *p,
                          int32_t target)
{
    size_t count = 0;
    for (size_t i = 0; i < expected(p) && openai_conn_keeps(&l->pool, target); i++)
        count += openai_lane_target(l, p->requests[i].index) == target;
    return count;
}

static size_t idle_to(const struct engine_lane *l, int32_t target)
{
    size_t count = 0;
    for (size_t i = 0; i < l->pool.idle_count; i++)
        count += l->pool.conns[l->pool.idle[i]].target == target;
    return count;
}

void openai_ready_trim(struct engine_lane *l, const struct engine_prepare *p)
{
    for (int32_t t = 0; t < (int32_t)l->pool.setup->target_count; t++) {
        size_t left = p != NULL ? expected_to(l, p, t) : 0;
        for (size_t i = l->pool.idle_count; i > 0; i--) {
            struct openai_conn *c = &l->pool.conns[l->pool.idle[i - 1]];
            if (c->target != t)
                continue;
            if (left > 0)
                left--;
            else
                openai_conn_close(&l->pool, c);
        }
    }
}

/* Connections that p expects and that do not stand. */
static size_t missing(const struct engine_lane *l, const struct engine_prepare *p)
{
    size_t count = 0;
    for (int32_t t = 0; t < (int32_t)l->pool.setup->target_count; t++) {
        size_t wanted = expected_to(l, p, t), idle = idle_to(l, t);
        count += wanted > idle ? wanted - idle : 0;
    }
    return count;
}

static size_t connecting(const struct engine_lane *l)
{
    size_t count = 0;
    for (size_t i = 0; i < l->pool.conn_count; i++)
        count += l->pool.conns[i].state == OPENAI_CONNECTING ||
                 l->pool.conns[i].state == OPENAI_TLS;
    return count;
}

/* Why a connection failed to open; NULL: none did. */
static const char *failure(const struct engine_lane *l, int32_t *target)
{
    for (size_t i = 0; i < l->pool.conn_count; i++)
        if (l->pool.conns[i].state == OPENAI_CLOSED &&
            l->pool.conns[i].error[0] != '\0') {
            *target = l->pool.conns[i].target;
            return l->pool.conns[i].error;
        }
    return NULL;
}

static enum status not_all(const struct engine_lane *l, const struct engine_prepare *p,
                           struct err *e)
{
    int32_t target = 0;
    size_t wanted = expected(p);
    const char *why = failure(l, &target);
    if (why == NULL)
        why = connecting(l) > 0 ? "no answer within 10 s"
                                : "the server closes them immediately";
    status_fail(e, STATUS_CLOSED, l->pool.setup->targets[target].addr.text,
                "only %zu of %zu connections could be opened: %s", wanted - missing(l, p),
                wanted, why);
    return status_hint(e, "Is the server still running, and does it accept that many?");
}

static enum status open_missing(struct engine_lane *l, const struct engine_prepare *p,
                                struct err *e)
{
    int32_t index, targets = (int32_t)l->pool.setup->target_count;
    for (int32_t t = 0; t < targets; t++) {
        size_t wanted = expected_to(l, p, t);
        for (size_t i = idle_to(l, t); i < wanted; i++) {
            if (openai_conn_open(&l->pool, t, OPENAI_NOBODY, &index, e) != STATUS_OK)
                return e->code;
            l->pool.conns[index].error[0] = '\0';
        }
    }
    return STATUS_OK;
}

static enum status await_all(struct engine_lane *l, const struct engine_watch *w,
                             struct instant limit, struct err *e)
{
    while (connecting(l) > 0 && clock_before(clock_now(), limit)) {
        openai_lane_turn(l, clock_after(clock_now(), clock_seconds(0.1)));
        if (w != NULL && w->stop != NULL && w->stop(w->arg))
            return status_fail(e, STATUS_INTERRUPTED, "connecting",
                               "stopped by a signal");
    }
    return STATUS_OK;
}

/* Those that the server has closed since the last phase are found first. More than one
 * round is needed where it closes others in the meantime. */
enum status openai_ready_open(struct engine_lane *l, const struct engine_prepare *p,
                              struct err *e)
{
    struct instant limit = clock_after(clock_now(), clock_seconds(CONNECT_TIMEOUT_S));
    int32_t unused;
    openai_lane_turn(l, clock_now());
    for (size_t i = 0; i < l->pool.conn_count; i++)
        l->pool.conns[i].error[0] = '\0';
    for (int round = 0; round < ROUNDS; round++) {
        if (open_missing(l, p, e) != STATUS_OK ||
            await_all(l, p->watch, limit, e) != STATUS_OK)
            return e->code;
        if (connecting(l) == 0 && missing(l, p) == 0)
            return STATUS_OK;
        if (failure(l, &unused) != NULL || connecting(l) > 0)
            break;
    }
    return not_all(l, p, e);
}
