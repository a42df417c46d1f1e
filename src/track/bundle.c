#include "track/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/decode.h"
#include "store/results.h"
#include "text/json.h"
#include "text/jsonw.h"

#define LOCK_WAIT_S   10.0
#define ROW_CAP_BYTES ((size_t)16 << 20)

struct reader {
    struct bundle *bundle;
    struct arena *arena;
    struct decode *decode;
};

/* The raw folder stays where it is while the results file is replaced. */
static enum status lock(struct bundle *b, struct err *e)
{
    struct instant limit = clock_after(clock_now(), clock_seconds(LOCK_WAIT_S));
    const char *path = b->raw_dir != NULL ? b->raw_dir : b->results_path;
    b->lock_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* it may be a pipe */
    if (b->lock_fd < 0)
        return status_errno(e, b->results_path, "cannot be read");
    while (flock(b->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return STATUS_OK; /* a file system without locks */
        if (!clock_before(clock_now(), limit)) {
            (void)status_fail(e, STATUS_TIMEOUT, b->results_path,
                              "another inferbench is logging it");
            return status_hint(e, "Wait until it has finished");
        }
        clock_sleep_until(clock_after(clock_now(), clock_seconds(0.05)));
    }
    return STATUS_OK;
}

static enum status keep_row(struct reader *r, struct bundle_row *row,
                            const struct scanned_row *from, struct buf *text,
                            struct err *e)
{
    const char *path = r->bundle->results_path;
    if (jsonw_copy(text, from->text, 0) != STATUS_OK || buf_char(text, '\n') != STATUS_OK)
        return status_no_memory(e, path);
    struct str laid_out = {text->data, text->len};
    row->as_written = (struct str){arena_str(r->arena, laid_out), text->len};
    if (row->as_written.ptr == NULL)
        return status_no_memory(e, path);
    return json_from_text(row->as_written, path, &row->row, e);
}

/* What a notebook made of a row would be logged in its place, and what MLflow holds of a
 * row cannot be changed later: such a row is left out, however it might be read. */
static bool is_refused(struct reader *r, const struct scanned_row *from)
{
    struct bundle *b = r->bundle;
    struct err why;
    if (decode_check(r->decode, from, &why) == STATUS_OK)
        return false;
    if (b->refused++ == 0)
        b->refusal = why;
    return true;
}

static enum status take_row(void *arg, const struct scanned_row *from, struct err *e)
{
    struct reader *r = arg;
    struct bundle *b = r->bundle;
    if (is_refused(r, from))
        return STATUS_OK;
    if (!mem_grow(&b->rows, b->count, &b->room, sizeof *b->rows))
        return status_no_memory(e, b->results_path);
    struct bundle_row *row = &b->rows[b->count++];
    *row = (struct bundle_row){0};
    struct buf text;
    buf_init(&text, ROW_CAP_BYTES);
    enum status s = keep_row(r, row, from, &text, e);
    buf_fini(&text);
    return s;
}

/* A path that is there, or NULL. */
static const char *if_there(const char *path)
{
    return path != NULL && file_exists(path) ? path : NULL;
}

/* offline_results_STAMP.json: env_info_STAMP.json and offline_summary_STAMP.json
 * stand beside it. */
static enum status find_others(struct bundle *b, struct arena *a, struct err *e)
{
    const char *path = b->results_path;
    struct results_name n;
    if (results_name_split(path, &n)) {
        int folder = (int)n.folder.len, stamp = (int)n.stamp.len;
        b->env_path = if_there(
            arena_printf(a, "%.*senv_info_%.*s.json", folder, path, stamp, n.stamp.ptr));
        b->summary_path = if_there(arena_printf(a, "%.*s%.*s_summary_%.*s.json", folder,
                                                path, (int)n.mode.len, n.mode.ptr, stamp,
                                                n.stamp.ptr));
    }
    b->ledger_path = b->raw_dir != NULL ? arena_printf(a, "%s/mlflow.json", b->raw_dir)
                                        : arena_printf(a, "%s.mlflow", path);
    return b->ledger_path != NULL ? STATUS_OK : status_no_memory(e, path);
}

static enum status read_metadata(struct bundle *b, const struct scanned_file *file,
                                 struct err *e)
{
    struct buf text;
    if (file->metadata.len == 0 || file->format == 0)
        return STATUS_OK;
    buf_init(&text, RESULTS_SCAN_MAX_BYTES);
    enum status s = jsonw_copy(&text, file->metadata, 0);
    if (s == STATUS_OK)
        s = json_from_text(buf_str(&text), b->results_path, &b->metadata, e);
    else
        s = status_no_memory(e, b->results_path);
    buf_fini(&text);
    b->is_merged = json_object_get(b->metadata, "sources") != NULL;
    return s;
}

enum status bundle_open(const char *path, struct arena *a, struct bundle *out,
                        struct err *e)
{
    struct scanned_file file;
    struct reader r = {
        .bundle = out, .arena = a, .decode = arena_alloc(a, 1, sizeof *r.decode)};
    const struct results_visitor visitor = {
        .row = take_row, .arg = &r, .needs_no_digest = true};
    *out = (struct bundle){
        .results_path = path, .raw_dir = results_raw_dir(path, a), .lock_fd = -1};
    if (r.decode == NULL)
        return status_no_memory(e, path);
    decode_init(r.decode, a);
    r.decode->file = path;
    enum status s = lock(out, e);
    if (s == STATUS_OK)
        s = results_scan_file(path, &visitor, &file, e);
    if (s == STATUS_OK) {
        s = read_metadata(out, &file, e);
        results_scan_fini(&file);
    }
    if (s == STATUS_OK)
        s = find_others(out, a, e);
    if (s != STATUS_OK)
        bundle_close(out);
    return s;
}

bool bundle_is_of_run(const struct bundle *b, const char *run_id)
{
    const char *own = json_str_of(b->metadata, "run_id");
    return own == NULL || (run_id != NULL && strcmp(own, run_id) == 0);
}

void bundle_close(struct bundle *b)
{
    for (size_t i = 0; i < b->count; i++)
        json_decref(b->rows[i].row);
    mem_free(b->rows);
    json_decref(b->metadata);
    if (b->lock_fd >= 0)
        (void)close(b->lock_fd);
    *b = (struct bundle){.lock_fd = -1};
}
