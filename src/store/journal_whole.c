#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/journal_order.h"

static bool is_closed(const struct cell_data *c)
{
    return field_is(&c->fields, FIELD_arrival, "closed");
}

/* May the load end before all requests are sent? */
static bool may_stop_early(const struct cell_data *c, const struct repeat_data *r)
{
    if (is_closed(c))
        return r->requests_planned == 0 || value_is_known(c->fields.v[FIELD_duration_s]);
    return c->max_concurrency > 0;
}

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Each of the client's threads sends every n-th request, in order. */
static enum status find_hole(const struct repeat_data *r, int64_t threads,
                             struct arena *a, bool *has_hole)
{
    int32_t *indices = arena_alloc(a, r->request_count + 1, sizeof *indices);
    *has_hole = false;
    if (indices == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < r->request_count; i++)
        indices[i] = r->requests[i].index;
    qsort(indices, r->request_count, sizeof *indices, by_value);
    for (size_t i = 0; i < r->request_count && !*has_hole; i++) {
        if (indices[i] < threads)
            continue;
        int32_t before = indices[i] - (int32_t)threads;
        *has_hole = bsearch(&before, indices, i, sizeof before, by_value) == NULL;
    }
    return STATUS_OK;
}

/* Threads that had a part of the load: none has less than one request in flight. */
static int64_t threads_of(const struct journal_whole *w, const struct cell_data *c)
{
    int64_t most = c->max_concurrency;
    if (is_closed(c) && value_is_known(c->fields.v[FIELD_batch_size]))
        most = c->fields.v[FIELD_batch_size].i;
    most = w->client_threads < most ? w->client_threads : most;
    return most > 0 ? most : 1;
}

enum status journal_whole_check(const struct journal_whole *w, const struct run_data *run,
                                const struct repeat_data *r, struct arena *a,
                                const char **why)
{
    const struct cell_data *c = &run->cells[r->cell];
    int64_t wanted = w->told, there = (int64_t)r->request_count;
    bool has_hole;
    *why = NULL;
    if (wanted < 0 && run->definitions == 1)
        return STATUS_OK;
    if (wanted < 0 && may_stop_early(c, r)) {
        enum status s = find_hole(r, threads_of(w, c), a, &has_hole);
        *why = s == STATUS_OK && has_hole ? "not all of its requests are there" : NULL;
        return s;
    }
    if (wanted < 0)
        wanted = r->requests_planned;
    if (there == wanted)
        return STATUS_OK;
    *why = arena_printf(a, "%lld of its %lld requests are there", (long long)there,
                        (long long)wanted);
    return *why != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}
