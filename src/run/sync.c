#include "run/sync.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "report/meter.h"
#include "store/sync_inputs.h"

#define PRINT_CAP_BYTES ((size_t)16 << 20)
#define ROW_LIMIT_S     120.0
#define TRIES           6

struct syncing {
    const struct sync_wish *wish;
    const struct run_host *host;
    struct arena *arena;
    struct account account;
    struct sync_inputs inputs;
    bool helps_again; /* the same command may send what is missing now */
};

static void put_outcome(const char *path, const struct sync_outcome *o, struct buf *out)
{
    buf_printf(out, "%s: %zu row%s: %zu sent, %zu already there", path, o->rows,
               str_plural((int64_t)o->rows), o->sent, o->there);
    if (o->deleted > 0)
        buf_printf(out, ", %zu deleted in MLflow and not restored", o->deleted);
    if (o->pending > 0)
        buf_printf(out, ", %zu not logged", o->pending);
    buf_char(out, '\n');
    if (o->link != NULL)
        buf_printf(out, "  %s\n", o->link);
}

static enum status sync_one(struct syncing *s, const char *path, struct err *e)
{
    struct sync_outcome outcome;
    struct buf out;
    struct meter meter;
    const struct run_host *host = s->host;
    const struct sync_options o = {.account = &s->account,
                                   .experiment = s->wish->experiment,
                                   .tags = &s->wish->tags,
                                   .user = tracking_user(),
                                   .must_verify = true,
                                   .row_limit_s = ROW_LIMIT_S,
                                   .limit_s = INFINITY,
                                   .tries = TRIES,
                                   .stop = host->stop,
                                   .tick = meter_tick,
                                   .arg = &meter};
    meter_begin(&meter, host->log, "rows sent to MLflow");
    enum status st = sync_file(path, &o, s->arena, &outcome, e);
    meter_end(&meter);
    if (st == STATUS_UNSUPPORTED && outcome.rows == 0)
        return st; /* another file of ours */
    bool has_refused = outcome.refused > 0 && outcome.pending == outcome.refused;
    s->helps_again = s->helps_again || (st != STATUS_OK && !has_refused);
    tracking_warn(host->log, path, "in the files", &outcome);
    buf_init(&out, PRINT_CAP_BYTES);
    put_outcome(path, &outcome, &out);
    if (outcome.rows > 0)
        (void)host->print(host->arg, buf_cstr(&out)); /* the host knows what is lost */
    buf_fini(&out);
    return st;
}

static enum status sync_all(struct syncing *s)
{
    const struct input_list *files = &s->inputs.files;
    enum status all = s->inputs.broken > 0 ? STATUS_BAD_INPUT : STATUS_OK;
    struct err e;
    for (size_t i = 0; i < files->count; i++) {
        enum status one = sync_one(s, files->items[i].path, &e);
        if (one == STATUS_OK)
            continue;
        log_error(s->host->log, &e);
        all = one == STATUS_INTERRUPTED || all == STATUS_OK ? one : all;
        if (one == STATUS_CLOSED || one == STATUS_TIMEOUT || one == STATUS_INTERRUPTED)
            break; /* the next file would fare no better */
    }
    if (s->helps_again)
        log_line(s->host->log, LOG_NOTE,
                 "Nothing is lost: run the same command again to send the rest");
    return all;
}

static enum status find(struct syncing *s, struct err *e)
{
    const struct account_options o = {.uri = s->wish->uri, .home = getenv("HOME")};
    if (tracking_check_tags(&s->wish->tags, s->arena, e) != STATUS_OK ||
        account_resolve(&o, s->arena, &s->account, e) != STATUS_OK)
        return e->code;
    return sync_inputs_expand(&s->wish->words, s->host->log, s->arena, &s->inputs, e);
}

enum status run_sync(const struct sync_wish *w, const struct run_host *host,
                     struct arena *a)
{
    struct syncing s = {.wish = w, .host = host, .arena = a};
    struct err e;
    if (find(&s, &e) == STATUS_OK)
        return sync_all(&s);
    log_error(host->log, &e);
    return e.code;
}
