#include "store/results_head.h"

#include <string.h>

#include "base/file.h"
#include "store/results_scan.h"
#include "text/json.h"

static enum status read_metadata(const struct scanned_file *file, struct arena *a,
                                 struct results_head *head, struct err *e)
{
    json_t *metadata = NULL;
    if (file->metadata.len == 0)
        return STATUS_OK;
    enum status st = json_from_text(file->metadata, file->path, &metadata, e);
    const char *run_id = json_str_of(metadata, "run_id");
    head->run_id = arena_strdup(a, run_id);
    head->is_complete = json_bool_of(metadata, "complete", true);
    if (run_id != NULL && head->run_id == NULL)
        st = status_no_memory(e, file->path);
    json_decref(metadata);
    return st;
}

enum status results_head_read(const char *path, struct arena *a, struct results_head *out,
                              struct err *e)
{
    static const struct results_visitor none = {.needs_no_digest = true};
    struct scanned_file file;
    enum status st = results_scan_file(path, &none, &file, e);
    if (st != STATUS_OK)
        return st;
    struct results_head head = {.is_complete = true, .row_count = file.row_count};
    st = read_metadata(&file, a, &head, e);
    results_scan_fini(&file);
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
