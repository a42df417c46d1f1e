#include "store/results_head.h"

#include <string.h>

#include "base/file.h"
#include "store/results_scan.h"
#include "text/json.h"

static void take_metadata(struct jsonr *r, struct arena *a, struct results_head *head)
{
    struct jsonr_value value = jsonr_value(r);
    json_t *metadata = NULL;
    if (r->failed != STATUS_OK)
        return;
    enum status st = json_from_text(value.text, r->name, &metadata, r->e);
    const char *run_id = json_str_of(metadata, "run_id");
    head->run_id = arena_strdup(a, run_id);
    head->is_complete = json_bool_of(metadata, "complete", true);
    if (run_id != NULL && head->run_id == NULL)
        st = status_no_memory(r->e, r->name);
    json_decref(metadata);
    jsonr_stop(r, st);
}

static void count_rows(struct jsonr *r, struct results_head *head)
{
    jsonr_enter(r, '[');
    for (; jsonr_item(r); head->row_count++)
        (void)jsonr_value(r);
}

static enum status read_text(struct jsonr *r, struct arena *a, struct results_head *head)
{
    struct str key;
    bool is_list = jsonr_kind(r) == JSONR_LIST;
    if (is_list)
        count_rows(r, head);
    else
        jsonr_enter(r, '{');
    while (!is_list && jsonr_member(r, &key))
        if (str_is(key, "metadata"))
            take_metadata(r, a, head);
        else if (str_is(key, "results"))
            count_rows(r, head);
        else
            (void)jsonr_value(r);
    return jsonr_end(r);
}

enum status results_head_read(const char *path, struct arena *a, struct results_head *out,
                              struct err *e)
{
    struct results_head head = {.is_complete = true};
    struct buf text;
    struct jsonr r;
    buf_init(&text, RESULTS_SCAN_MAX_BYTES);
    enum status st = file_read(path, &text, e);
    if (st == STATUS_OK) {
        jsonr_init(&r, (struct str){.ptr = buf_cstr(&text), .len = text.len}, path, e);
        st = read_text(&r, a, &head);
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
    status_fail(e, STATUS_BAD_OPTION, path, "belongs to another run, %.64s, not to %.64s",
                head.run_id != NULL ? head.run_id : "without an id",
                run_id != NULL ? run_id : "this one");
    return status_hint(e, "Choose another --output-dir, or move that file away");
}
