#include "plan/next.h"

/* Failures that another engine of the same kind would meet again. */
static bool is_final(enum status s)
{
    return s == STATUS_NOT_FOUND || s == STATUS_UNSUPPORTED || s == STATUS_BAD_OPTION ||
           s == STATUS_BAD_INPUT;
}

/* Did the cell before that of the last outcome fail? */
static bool failed_before(const struct next_history *past)
{
    size_t cell = past->items[past->count - 1].turn.cell;
    for (size_t i = past->count; i > 0; i--)
        if (past->items[i - 1].turn.cell != cell)
            return past->items[i - 1].status != STATUS_OK;
    return false;
}

bool next_of_grid(const struct plan *p, const struct next_history *past,
                  struct next_turn *out)
{
    *out = (struct next_turn){0};
    if (past->count == 0)
        return p->cell_count > 0;
    const struct next_outcome *last = &past->items[past->count - 1];
    *out = last->turn;
    if (last->status == STATUS_OK && ++out->repeat < p->options.num_runs)
        return true;
    if (is_final(last->status) || (last->status != STATUS_OK && failed_before(past)))
        return false;
    *out = (struct next_turn){.cell = last->turn.cell + 1};
    return out->cell < p->cell_count;
}
