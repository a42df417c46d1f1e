#include "plan/next.h"

#include "plan/blocks.h"

/* Failures that another engine of the same kind would meet again. */
static bool is_final(enum status s)
{
    return s == STATUS_NOT_FOUND || s == STATUS_UNSUPPORTED || s == STATUS_BAD_OPTION ||
           s == STATUS_BAD_INPUT;
}

size_t next_group(const struct plan *p, size_t cell)
{
    return p->options.ab_blocks > 0 ? cell / 2 : cell;
}

/* Outcomes of the group that had the last one. */
static size_t count_last(const struct plan *p, const struct next_history *past)
{
    size_t group = next_group(p, past->items[past->count - 1].turn.cell), n = 0;
    while (n < past->count &&
           next_group(p, past->items[past->count - 1 - n].turn.cell) == group)
        n++;
    return n;
}

/* The last repeat failed, and no other cell will do better: nothing mends it, or the
 * group before failed too. */
static bool is_over(const struct plan *p, const struct next_history *past)
{
    enum status s = past->items[past->count - 1].status;
    size_t n = count_last(p, past);
    return is_final(s) || (s != STATUS_OK && n < past->count &&
                           past->items[past->count - 1 - n].status != STATUS_OK);
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
    if (is_over(p, past))
        return false;
    *out = (struct next_turn){.cell = last->turn.cell + 1};
    return out->cell < p->cell_count;
}

bool next_of_blocks(const struct plan *p, const struct next_history *past,
                    struct next_turn *out)
{
    size_t pair = 0, n = 0;
    *out = (struct next_turn){0};
    if (past->count > 0) {
        const struct next_outcome *last = &past->items[past->count - 1];
        pair = next_group(p, last->turn.cell);
        n = count_last(p, past);
        if (last->status != STATUS_OK || n == 2 * (size_t)p->options.num_runs) {
            if (is_over(p, past))
                return false;
            pair++;
            n = 0;
        }
    }
    if (2 * pair >= p->cell_count)
        return false;
    blocks_turn(p, pair, n, &out->cell, &out->repeat);
    return true;
}
