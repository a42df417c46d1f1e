#include "bench/cells.h"

/* Failures that another engine of the same kind would meet again. */
static bool is_final(enum status s)
{
    return s == STATUS_NOT_FOUND || s == STATUS_UNSUPPORTED || s == STATUS_BAD_OPTION ||
           s == STATUS_BAD_INPUT;
}

static void note_failure(const struct cells *c, struct cells_outcome *out,
                         const struct err *why)
{
    out->cells_failed++;
    if (out->first.code == STATUS_OK)
        out->first = *why;
    log_error(c->log, why);
}

enum status cells_run(const struct cells *c, struct cells_outcome *out, struct err *e)
{
    int failed_in_a_row = 0;
    *out = (struct cells_outcome){0};
    e->code = STATUS_OK;
    for (size_t i = 0; i < c->count; i++) {
        struct err why = {.code = STATUS_OK};
        enum status s = c->run(c->arg, i, &why, e);
        if (e->code != STATUS_OK)
            break;
        if (s == STATUS_INTERRUPTED) {
            out->is_interrupted = true;
            break;
        }
        failed_in_a_row = s == STATUS_OK ? 0 : failed_in_a_row + 1;
        if (s != STATUS_OK)
            note_failure(c, out, &why);
        if (is_final(s) || failed_in_a_row == 2)
            break;
        if (c->pause.run != NULL && i + 1 < c->count)
            c->pause.run(c->pause.arg);
    }
    out->is_complete = !out->is_interrupted && out->cells_failed == 0 &&
                       e->code == STATUS_OK;
    return e->code;
}
