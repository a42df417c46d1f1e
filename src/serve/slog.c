#include "serve/slog.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "text/jsonw.h"

#define TEXT_CAP_BYTES ((size_t)1 << 30)
enum { BLOCK_BYTES = 64 * 1024 };

static void fail(struct slog *l, enum status status)
{
    if (l->failed == STATUS_OK) {
        l->failed = status;
        if (l->why.code == STATUS_OK)
            (void)status_fail(&l->why, status, l->path, "the log is not complete");
    }
}

static void write_out(struct slog *l)
{
    struct str text = buf_str(&l->text);
    if (l->text.failed != STATUS_OK)
        fail(l, l->text.failed);
    else if (l->failed == STATUS_OK &&
             file_write_all(l->fd, l->path, text, &l->why) != STATUS_OK)
        l->failed = l->why.code;
    buf_clear(&l->text);
}

enum status slog_open(struct slog *l, const char *path, const char *header, struct err *e)
{
    *l = (struct slog){.fd = -1, .path = path};
    buf_init(&l->text, TEXT_CAP_BYTES);
    if (path == NULL)
        return STATUS_OK;
    l->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (l->fd < 0)
        return status_errno(e, path, "cannot be written");
    (void)buf_text(&l->text, header);
    (void)buf_char(&l->text, '\n');
    write_out(l);
    if (l->failed == STATUS_OK)
        return STATUS_OK;
    *e = l->why;
    (void)close(l->fd);
    l->fd = -1;
    buf_fini(&l->text);
    return e->code;
}

void slog_stamp(struct slog *l, struct slog_stamps *to, struct instant at)
{
    if (l->fd < 0)
        return;
    if (mem_grow(&to->ns, to->count, &to->room, sizeof *to->ns))
        to->ns[to->count++] = at.ns;
    else
        fail(l, STATUS_NO_MEMORY);
}

static void release(struct slog_record *r)
{
    mem_free(r->id);
    mem_free(r->sent.ns);
    mem_free(r->made.ns);
    *r = (struct slog_record){0};
}

/* Room for one more: what was written makes place before more memory is asked for. */
static bool make_room(struct slog *l)
{
    if (l->count < l->room)
        return true;
    if (l->head > l->room / 2) {
        for (size_t i = l->head; i < l->count; i++)
            l->queue[i - l->head] = l->queue[i];
        l->count -= l->head;
        l->head = 0;
        return true;
    }
    return mem_grow(&l->queue, l->count, &l->room, sizeof *l->queue);
}

void slog_add(struct slog *l, struct slog_record *r)
{
    if (l->fd < 0) {
        release(r);
    } else if (!make_room(l)) {
        fail(l, STATUS_NO_MEMORY);
        release(r);
    } else {
        l->stamps += r->sent.count + r->made.count;
        l->queue[l->count++] = *r;
        *r = (struct slog_record){0};
    }
}

size_t slog_waiting(const struct slog *l)
{
    return l->count - l->head;
}

static void put_instant(struct jsonw *w, const char *key, struct instant t)
{
    if (t.ns == NS_UNKNOWN)
        jsonw_null(w, key);
    else
        jsonw_int(w, key, t.ns);
}

static void put_if_known(struct jsonw *w, const char *key, struct instant t)
{
    if (t.ns != NS_UNKNOWN)
        jsonw_int(w, key, t.ns);
}

/* The stamps are the bulk of the file: they are written without the writer's detours. */
static void put_stamps(struct jsonw *w, const char *key, const struct slog_stamps *s)
{
    struct buf *out = w->out;
    jsonw_array(w, key);
    for (size_t i = 0; i < s->count; i++) {
        if (i > 0)
            (void)buf_char(out, ',');
        (void)buf_int(out, s->ns[i]);
    }
    jsonw_array_end(w);
}

static void put_event_tokens(struct jsonw *w, const struct slog_record *r)
{
    int64_t left = r->tokens;
    jsonw_array(w, "event_tokens");
    for (size_t i = 0; i < r->sent.count; i++) {
        int64_t tokens = left < r->tokens_per_event ? left : r->tokens_per_event;
        jsonw_int(w, NULL, tokens);
        left -= tokens;
    }
    jsonw_array_end(w);
}

static void put_record(struct slog *l, const struct slog_record *r)
{
    struct jsonw w;
    jsonw_init(&w, &l->text, 0);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "request", r->request);
    jsonw_str(&w, "id", r->id);
    jsonw_str(&w, "endpoint", r->endpoint);
    jsonw_bool(&w, "stream", r->is_stream);
    put_instant(&w, "arrival_ns", r->arrival);
    put_instant(&w, "read_ns", r->read);
    put_if_known(&w, "begin_ns", r->begin);
    jsonw_int(&w, "prompt_tokens", r->prompt_tokens);
    jsonw_int(&w, "tokens", r->tokens);
    put_if_known(&w, "empty_ns", r->empty);
    put_stamps(&w, "sent_ns", &r->sent);
    if (r->made.count > 0)
        put_stamps(&w, "made_ns", &r->made);
    if (r->tokens != (int64_t)r->sent.count)
        put_event_tokens(&w, r);
    put_if_known(&w, "finish_ns", r->finish);
    put_instant(&w, "end_ns", r->end);
    jsonw_int(&w, "status", r->status);
    jsonw_str(&w, "outcome", r->outcome);
    jsonw_object_end(&w);
    (void)buf_char(&l->text, '\n');
}

void slog_write(struct slog *l, size_t most)
{
    if (l->fd < 0)
        return;
    for (size_t i = 0; i < most && l->head < l->count; i++) {
        struct slog_record *r = &l->queue[l->head++];
        l->stamps -= r->sent.count + r->made.count;
        put_record(l, r);
        release(r);
        if (l->text.len >= BLOCK_BYTES || l->text.failed != STATUS_OK)
            write_out(l);
    }
    if (l->text.len > 0 && l->head == l->count)
        write_out(l);
    if (l->head == l->count)
        l->head = l->count = 0;
}

enum status slog_close(struct slog *l, struct err *e)
{
    slog_write(l, SIZE_MAX);
    if (l->fd >= 0 && close(l->fd) != 0 && l->failed == STATUS_OK)
        l->failed = status_errno(&l->why, l->path, "cannot be written");
    l->fd = -1;
    for (; l->head < l->count; l->head++)
        release(&l->queue[l->head]);
    mem_free(l->queue);
    l->queue = NULL;
    l->head = l->count = l->room = 0;
    buf_fini(&l->text);
    if (l->failed != STATUS_OK)
        *e = l->why;
    return l->failed;
}
