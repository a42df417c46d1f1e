#include "run/recover.h"

#include "base/file.h"
#include "store/results_scan.h"

/* Two machines may have started a run in the same second. */
static enum status check_place(const struct recovery *r, struct arena *a, struct err *e)
{
    const char *run_id = field_str(&r->run.fields, FIELD_run_id);
    if (results_scan_check(r->results.results_path, run_id, a, e) != STATUS_OK)
        return e->code;
    return results_scan_check(r->results.summary_path, run_id, a, e);
}

enum status run_recover(const char *raw_dir, const char *output_dir, struct arena *a,
                        struct recovery *out, struct err *e)
{
    if (results_read(raw_dir, output_dir, a, out, e) != STATUS_OK ||
        check_place(out, a, e) != STATUS_OK ||
        (output_dir != NULL && file_make_dirs(output_dir, e) != STATUS_OK))
        return e->code;
    return results_write(&out->run, &out->results, e);
}
