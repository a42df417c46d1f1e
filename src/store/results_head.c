#include "store/results_head.h"

#include <string.h>

#include "base/file.h"
#include "store/results_scan.h"
#include "text/json.h"

static enum status take_metadata(struct scan *s, struct arena *a,
                                 struct results_head *head, struct err *e)
{
    struct scan_value value;
    json_t *metadata = NULL;
    if (scan_value(s, &value, e) != STATUS_OK)
        return e->code;
    enum status st = json_from_text(value.text, s->name, &metadata, e);
    if (st != STATUS_OK)
        return st;
    const char *run_id = json_str_of(metadata, "run_id");
    head->run_id = arena_strdup(a, run_id);
    head->is_complete = json_bool_of(metadata, "complete", true);
    json_decref(metadata);
    if (run_id != NULL && head->run_id == NULL)
        return status_fail(e, STATUS_NO_MEMORY, s->name, "out of memory");
    return STATUS_OK;
}

static enum status count_rows(struct scan *s, struct results_head *head, struct err *e)
{
    struct scan_level level;
    struct scan_value row;
    bool has = true;
    enum status st = scan_enter(s, '[', &level, e);
    while (st == STATUS_OK) {
        st = scan_item(s, &level, &has, e);
        if (st != STATUS_OK || !has)
            break;
        st = scan_value(s, &row, e);
        head->row_count++;
    }
    return st;
}

static enum status take_member(struct scan *s, struct str key, struct arena *a,
                               struct results_head *head, struct err *e)
{
    struct scan_value ignored;
    if (str_is(key, "metadata"))
        return take_metadata(s, a, head, e);
    if (str_is(key, "results"))
        return count_rows(s, head, e);
    return scan_value(s, &ignored, e);
}

static enum status read_text(struct scan *s, struct arena *a, struct results_head *head,
                             struct err *e)
{
    struct scan_level level;
    struct str key;
    bool has = true;
    bool is_list = scan_peek(s) == '[';
    enum status st = is_list ? count_rows(s, head, e) : scan_enter(s, '{', &level, e);
    while (st == STATUS_OK && !is_list) {
        st = scan_key(s, &level, &key, &has, e);
        if (st != STATUS_OK || !has)
            break;
        st = take_member(s, key, a, head, e);
    }
    return st == STATUS_OK ? scan_finish(s, e) : st;
}

enum status results_head_read(const char *path, struct arena *a, struct results_head *out,
                              struct err *e)
{
    struct results_head head = {.is_complete = true};
    struct buf text;
    struct scan s;
    buf_init(&text, RESULTS_SCAN_MAX_BYTES);
    enum status st = file_read(path, &text, e);
    if (st == STATUS_OK) {
        scan_init(&s, (struct str){.ptr = buf_cstr(&text), .len = text.len}, path);
        st = read_text(&s, a, &head, e);
    }
    buf_fini(&text);
    if (st == STATUS_OK)
        *out = head;
    return st;
}

enum status results_head_check(const char *path, const char *run_id, struct arena *a,
                               struct err *e)
{
    struct results_head head;
    struct err broken;
    if (!file_exists(path))
        return STATUS_OK;
    enum status st = results_head_read(path, a, &head, &broken);
    if (st == STATUS_NO_MEMORY)
        *e = broken;
    if (st != STATUS_OK)
        return st == STATUS_NO_MEMORY ? st : STATUS_OK;
    if (head.run_id != NULL && run_id != NULL && strcmp(head.run_id, run_id) == 0)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, path, "is of another run, %.64s, not of %.64s",
                head.run_id != NULL ? head.run_id : "without an id",
                run_id != NULL ? run_id : "this one");
    return status_hint(e, "Choose another --output-dir, or move that file away");
}
