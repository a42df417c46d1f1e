#include "run/selftest_server.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define PROGRAM       "/proc/self/exe"
#define READY_S       10.0
#define LOOK_EVERY_S  0.005
#define STOP_GRACE_S  20.0
#define SAID_BYTES    ((size_t)64 << 10)
#define LISTENING     "serve: listening on "
#define MAX_MODEL_LEN "1048576"

const char *selftest_server_url(struct str said, struct arena *a)
{
    while (said.len > 0) {
        bool is_whole = memchr(said.ptr, '\n', said.len) != NULL;
        struct str line = str_cut(&said, '\n');
        size_t len = strlen(LISTENING);
        if (is_whole && str_starts(line, LISTENING))
            return arena_str(a, str_trim((struct str){line.ptr + len, line.len - len}));
    }
    return NULL;
}

static const char *ns_text(struct arena *a, int64_t ns)
{
    return arena_printf(a, "%lldns", (long long)ns);
}

static enum status launch(const struct selftest_place *place,
                          const struct selftest_load *load, struct arena *a,
                          struct selftest_server *s, struct err *e)
{
    s->log_path = arena_printf(a, "%s/server.jsonl", place->folder);
    s->out_path = arena_printf(a, "%s/server.out", place->folder);
    const char *const argv[] = {PROGRAM,
                                "serve",
                                "--port",
                                "0",
                                "--quiet",
                                "--max-model-len",
                                MAX_MODEL_LEN,
                                "--log",
                                s->log_path,
                                "--ttft",
                                ns_text(a, load->ttft_ns),
                                "--itl",
                                ns_text(a, load->itl_ns),
                                "--jitter",
                                arena_printf(a, "%g", load->jitter),
                                NULL};
    for (size_t i = 0; i + 1 < sizeof argv / sizeof *argv; i++)
        if (argv[i] == NULL)
            return status_no_memory(e, "selftest");
    if (s->out_path == NULL)
        return status_no_memory(e, "selftest");
    (void)unlink(s->out_path);
    const struct proc_spec spec = {.argv = argv, .log_path = s->out_path};
    selftest_cores_move(place->cores, SELFTEST_SERVER);
    enum status st = proc_start(&spec, &s->proc, e);
    selftest_cores_move(place->cores, SELFTEST_CLIENT);
    return st;
}

/* What went wrong, with what the server said last. */
static enum status explain(enum status code, const char *what, struct str said,
                           struct err *e)
{
    struct str text = str_trim(said);
    (void)status_fail(e, code, "the self-test's server", "%s: %.*s", what,
                      (int)(text.len < 200 ? text.len : 200), text.ptr);
    return status_hint(e, "Try inferbench serve --port 0");
}

enum status selftest_server_start(const struct selftest_place *place,
                                  const struct selftest_load *load, struct arena *a,
                                  struct selftest_server *s, struct err *e)
{
    struct buf said;
    *s = (struct selftest_server){.url = NULL};
    if (launch(place, load, a, s, e) != STATUS_OK)
        return e->code;
    struct instant limit = clock_after(clock_now(), clock_seconds(READY_S));
    enum status st = STATUS_OK;
    buf_init(&said, SAID_BYTES);
    while (st == STATUS_OK && s->url == NULL) {
        clock_sleep_until(clock_after(clock_now(), clock_seconds(LOOK_EVERY_S)));
        bool has_ended = proc_has_ended(&s->proc, NULL);
        buf_clear(&said);
        st = file_read(s->out_path, &said, e);
        struct str text = buf_str(&said);
        s->url = st == STATUS_OK ? selftest_server_url(text, a) : NULL;
        if (st != STATUS_OK || s->url != NULL)
            break;
        if (has_ended)
            st = explain(STATUS_DIED, "it ended", text, e);
        else if (!clock_before(clock_now(), limit))
            st = explain(STATUS_TIMEOUT, "not ready after 10 s", text, e);
        else if (place->stop != NULL && place->stop(place->stop_arg))
            st = status_fail(e, STATUS_INTERRUPTED, "selftest", "stopped by a signal");
    }
    buf_fini(&said);
    if (st != STATUS_OK)
        selftest_server_stop(s);
    return st;
}

void selftest_server_stop(struct selftest_server *s)
{
    proc_stop(&s->proc, clock_seconds(STOP_GRACE_S));
}
