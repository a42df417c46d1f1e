#include "serve/serve.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/addr.h"
#include "net/sock.h"
#include "serve/exchange.h"
#include "serve/server.h"
#include "text/jsonw.h"

#define LISTENER_TAG      ((uint64_t)UINT32_MAX)
#define SCRATCH_CAP_BYTES ((size_t)256 << 20)
#define TURN_NS           (250 * NS_PER_MS)  /* `stop` is asked so often */
#define SLACK_NS          NS_PER_MS          /* time enough to write some of the log */
#define STAMPS_MAX        ((size_t)32 << 20) /* more than this are written at once */

enum { READY_MAX = 256, ACCEPTS_A_TURN = 64, STEPS_A_TURN = 2048, RECORDS_A_TURN = 32 };

struct running {
    const struct serve_job *job;
    struct server server;
    int listener;
    bool may_accept; /* connections wait, as far as is known */
    bool has_warned; /* of descriptors that ran out */
};

/* As many descriptors as this process may have. */
static void raise_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

/* The socket file of a server that is gone is removed. */
static void remove_stale(const char *path, const struct addr *at)
{
    struct stat info;
    struct err unused;
    int fd = -1;
    if (lstat(path, &info) != 0 || !S_ISSOCK(info.st_mode))
        return;
    if (sock_connect(at, &fd, &unused) == STATUS_CLOSED)
        (void)unlink(path);
    sock_close(&fd);
}

static enum status start_listening(struct running *r, struct buf *url, struct err *e)
{
    const struct settings *o = r->job->settings;
    struct addr at;
    enum status st = o->uds != NULL ? addr_unix(o->uds, &at, e)
                                    : addr_resolve(o->host, (int)o->port, &at, e);
    if (st != STATUS_OK)
        return st;
    if (o->uds != NULL)
        remove_stale(o->uds, &at);
    st = sock_listen(&at, &r->listener, e);
    if (st != STATUS_OK)
        return st;
    bool is_v6 = o->uds == NULL && strchr(o->host, ':') != NULL;
    if (o->uds != NULL)
        (void)buf_printf(url, "unix:%s", o->uds);
    else
        (void)buf_printf(url, is_v6 ? "%s://[%s]:%d" : "%s://%s:%d",
                         o->tls_cert != NULL ? "https" : "http", o->host,
                         sock_port(r->listener));
    return loop_add(&r->server.loop, r->listener, LISTENER_TAG, e);
}

static void put_faults(struct jsonw *w, const struct settings *o)
{
    for (int i = FAULT_OK + 1; i < FAULT_COUNT; i++)
        jsonw_num(w, fault_name((enum fault_kind)i), o->faults.share[i]);
}

/* The log's first line. */
static void put_header(const struct server *s, struct buf *out)
{
    const struct settings *o = s->settings;
    struct jsonw w;
    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "log", "inferbench serve");
    jsonw_int(&w, "version", 1);
    jsonw_str(&w, "tool", s->tool);
    jsonw_bool(&w, "simulated", true);
    jsonw_str(&w, "clock",
              "CLOCK_MONOTONIC, ns; arrival_ns: kernel receive stamp of a request's last "
              "bytes; read_ns: after the read; sent_ns: before the send of each event");
    jsonw_int(&w, "realtime_minus_monotonic_ns", s->stamp.offset_ns);
    jsonw_object(&w, "options");
    jsonw_int(&w, "ttft_ns", o->ttft_ns);
    jsonw_int(&w, "itl_ns", o->itl_ns);
    jsonw_num(&w, "jitter", o->jitter);
    jsonw_int(&w, "seed", o->seed);
    jsonw_int(&w, "tokens_per_event", o->tokens_per_event);
    jsonw_int(&w, "slots", o->slots);
    jsonw_bool(&w, "serial_prefill", o->has_serial_prefill);
    jsonw_int(&w, "buffer", o->buffered_events);
    jsonw_bool(&w, "empty_first", o->has_empty_first);
    if (settings_finish_delay_ns(o) != NS_UNKNOWN)
        jsonw_int(&w, "finish_delay_ns", settings_finish_delay_ns(o));
    jsonw_str(&w, "model", o->model);
    jsonw_int(&w, "max_model_len", o->max_model_len);
    jsonw_int(&w, "vocab_size", o->vocab_size);
    jsonw_bool(&w, "usage", !o->hides_usage);
    put_faults(&w, o);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
}

static enum status open_tls(struct server *s, struct err *e)
{
    if (s->settings->tls_cert == NULL)
        return STATUS_OK;
    s->plain = mem_alloc(SERVER_READ_BYTES, 1);
    if (s->plain == NULL)
        return status_no_memory(e, "serve");
    return tls_context_new_server(s->settings->tls_cert, s->settings->tls_key,
                                  &s->conns.tls, e);
}

static enum status open_server(struct running *r, struct err *e)
{
    struct server *s = &r->server;
    struct buf header;
    buf_init(&s->line, SCRATCH_CAP_BYTES);
    buf_init(&s->body, SCRATCH_CAP_BYTES);
    buf_init(&s->out, SCRATCH_CAP_BYTES);
    buf_init(&s->key, SCRATCH_CAP_BYTES);
    buf_init(&header, SCRATCH_CAP_BYTES);
    due_init(&s->due);
    s->queue = (struct queue){
        .settings = s->settings, .counts = &s->counts, .due = &s->due};
    stamp_init(&s->stamp);
    struct wall now = clock_wall();
    s->created_s = now.ns / NS_PER_S;
    s->counts.start_s = (double)now.ns / 1e9;
    s->read = mem_alloc(SERVER_READ_BYTES, 1);
    enum status st = settings_key(s->settings, &s->key, e);
    if (st == STATUS_OK && s->read == NULL)
        st = status_no_memory(e, "serve");
    if (st == STATUS_OK)
        st = open_tls(s, e);
    if (st == STATUS_OK)
        st = loop_open(&s->loop, e);
    put_header(s, &header);
    if (st == STATUS_OK)
        st = slog_open(&s->log, s->settings->log_path, buf_cstr(&header), e);
    buf_fini(&header);
    return st;
}

static void refuse_new(struct running *r)
{
    if (!r->has_warned)
        log_line(r->job->log, LOG_WARN,
                 "serve: no descriptor is left for another connection (%zu are open): "
                 "raise `ulimit -n`",
                 r->server.conns.open);
    r->has_warned = true;
}

/* fd is closed where it cannot be served. */
static void take_in(struct server *s, int fd)
{
    struct err unused;
    struct conn *c = conn_open(&s->conns, fd);
    if (c == NULL) {
        sock_close(&fd);
        return;
    }
    if (due_reserve(&s->due, s->conns.count) != STATUS_OK ||
        loop_add(&s->loop, fd, conn_tag(c), &unused) != STATUS_OK)
        conn_close(&s->conns, c, false);
}

static void accept_some(struct running *r)
{
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        int fd = -1;
        enum sock_result result = sock_accept(r->listener, &fd);
        if (result == SOCK_OK) {
            take_in(&r->server, fd);
            continue;
        }
        r->may_accept = result == SOCK_ERROR;
        if (result == SOCK_ERROR && (errno == EMFILE || errno == ENFILE))
            refuse_new(r);
        return;
    }
}

/* Everything that is due; a turn stays bounded, so that reads have their share. */
static void run_due(struct server *s)
{
    for (int i = 0; i < STEPS_A_TURN; i++) {
        uint32_t who = 0;
        struct instant at = due_next(&s->due, &who);
        if (at.ns == DUE_NEVER || clock_now().ns < at.ns)
            return;
        exchange_due(s, s->conns.all[who]);
    }
}

static void handle(struct running *r, const struct loop_ready *ready)
{
    struct server *s = &r->server;
    if (ready->tag == LISTENER_TAG) {
        r->may_accept = true;
        return;
    }
    struct conn *c = conn_of(&s->conns, ready->tag);
    if (c != NULL && (ready->flags & LOOP_READ) != 0)
        exchange_readable(s, c, (ready->flags & LOOP_HANGUP) != 0);
    c = conn_of(&s->conns, ready->tag);
    if (c != NULL && (ready->flags & LOOP_WRITE) != 0)
        exchange_writable(s, c);
}

/* The log is written where nothing is due soon, and where it grows too large. Returns
 * whether more of it waits and there is time. */
static bool write_log(struct server *s)
{
    uint32_t who = 0;
    if (slog_waiting(&s->log) == 0)
        return false;
    int64_t slack_ns = due_next(&s->due, &who).ns - clock_now().ns;
    if (slack_ns < SLACK_NS && s->log.stamps < STAMPS_MAX)
        return false;
    slog_write(&s->log, RECORDS_A_TURN);
    return slog_waiting(&s->log) > 0;
}

static void serve_turns(struct running *r)
{
    struct server *s = &r->server;
    struct loop_ready ready[READY_MAX];
    bool has_work = false;
    while (!r->job->stop(r->job->arg)) {
        uint32_t who = 0;
        struct instant now = clock_now(), until = due_next(&s->due, &who);
        if (until.ns > now.ns + TURN_NS)
            until.ns = now.ns + TURN_NS;
        if (has_work)
            until = now;
        size_t count = loop_wait(&s->loop, until, ready, READY_MAX);
        (void)stamp_turn(&s->stamp);
        run_due(s);
        for (size_t i = 0; i < count; i++) {
            handle(r, &ready[i]);
            if (i % 16 == 15)
                run_due(s);
        }
        bool was_full = r->may_accept && r->has_warned;
        if (r->may_accept)
            accept_some(r);
        has_work = write_log(s) || (r->may_accept && !was_full);
    }
}

static enum status close_server(struct running *r, struct err *e)
{
    struct server *s = &r->server;
    sock_close(&r->listener);
    s->queue.is_closed = true;
    for (size_t i = 0; i < s->conns.count; i++)
        exchange_close(s, s->conns.all[i], "stopped");
    struct tls_context *tls = s->conns.tls;
    conn_table_fini(&s->conns);
    tls_context_free(tls);
    due_fini(&s->due);
    loop_close(&s->loop);
    buf_fini(&s->line);
    buf_fini(&s->body);
    buf_fini(&s->out);
    buf_fini(&s->key);
    mem_free(s->read);
    mem_free(s->plain);
    return slog_close(&s->log, e);
}

enum status serve_run(const struct serve_job *job, struct err *e)
{
    struct running r = {.job = job, .listener = -1};
    struct err closing;
    struct buf url;
    r.server.settings = job->settings;
    r.server.tool = job->tool;
    r.server.loop = (struct loop){.epoll_fd = -1, .urgent_fd = -1};
    r.server.log.fd = -1;
    buf_init(&url, 4096);
    raise_limit();
    enum status st = open_server(&r, e);
    if (st == STATUS_OK)
        st = start_listening(&r, &url, e);
    if (st == STATUS_OK) {
        job->listening(job->arg, buf_cstr(&url));
        serve_turns(&r);
    }
    bool is_listening = r.listener >= 0;
    enum status closed = close_server(&r, &closing);
    if (is_listening && job->settings->uds != NULL)
        (void)unlink(job->settings->uds);
    buf_fini(&url);
    if (st == STATUS_OK && closed != STATUS_OK)
        *e = closing;
    return st != STATUS_OK ? st : closed;
}
