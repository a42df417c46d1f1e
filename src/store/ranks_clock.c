#include "store/ranks_clock.h"

#include <math.h>
#include <stddef.h>

#include "store/journal.h"

#define MOST_SHIFT_NS INT64_C(20000000000000000) /* twice what a time may be */
#define MOST_RATE     1e-3 /* two clocks apart; crystals differ by 1e-4 at most */
#define MOST_RISE     1e-2 /* of the length; steeper is noise of a short repeat */
#define GROWTH        1e-4

/* From before its first instant to behind its last one. */
struct extent {
    int64_t begin_ns, end_ns;
};

static struct extent extent_of(const struct repeat_data *r)
{
    struct extent x = {.begin_ns = r->phase_ns > 0 ? r->phase_ns : r->start_ns};
    x.end_ns = x.begin_ns;
    for (size_t i = 0; i < r->request_count; i++)
        if (r->requests[i].done_ns > x.end_ns)
            x.end_ns = r->requests[i].done_ns;
    return x;
}

/* Between journals; false where no two machines are so far apart. */
static bool shift_of(const struct journal_note *rank, const struct journal_note *first,
                     int64_t offset_ns, int64_t *out)
{
    int64_t apart;
    if (__builtin_sub_overflow(rank->start_monotonic_ns, first->start_monotonic_ns,
                               &apart) ||
        __builtin_add_overflow(apart, offset_ns, out))
        return false;
    return *out >= -MOST_SHIFT_NS && *out <= MOST_SHIFT_NS;
}

/* The last that came before the repeat, and the first after it; NULL: none. */
static void find_two(const struct journal_note *rank, struct extent x,
                     const struct clock_data **before, const struct clock_data **after)
{
    *before = *after = NULL;
    for (size_t i = 0; i < rank->clock_count; i++) {
        const struct clock_data *c = &rank->clocks[i];
        if (c->at_ns <= x.begin_ns && (*before == NULL || c->at_ns >= (*before)->at_ns))
            *before = c;
        if (c->at_ns > x.begin_ns && c->at_ns >= x.end_ns &&
            (*after == NULL || c->at_ns < (*after)->at_ns))
            *after = c;
    }
}

static int64_t grown(int64_t error_ns, int64_t time_ns)
{
    return error_ns + (int64_t)ceil((double)time_ns * GROWTH);
}

static const char *line_through(const struct clock_data *a, const struct clock_data *b,
                                struct ranks_clock_map *m)
{
    double length = (double)b->at_ns - (double)a->at_ns;
    double rise = (double)b->offset_ns - (double)a->offset_ns;
    double unsure = (double)a->error_ns + (double)b->error_ns;
    if (fabs(rise) > length * MOST_RATE + unsure)
        return "its clock and rank 0's went apart during the repeat";
    m->error_ns = a->error_ns > b->error_ns ? a->error_ns : b->error_ns;
    if (fabs(rise) > length * MOST_RISE) {
        m->error_ns += (int64_t)fabs(rise);
        return NULL;
    }
    m->from_ns = a->at_ns;
    m->length_ns = b->at_ns - a->at_ns;
    m->rise_ns = b->offset_ns - a->offset_ns;
    return NULL;
}

const char *ranks_clock_find(const struct journal_note *rank,
                             const struct journal_note *first,
                             const struct repeat_data *r, struct ranks_clock_map *out)
{
    const struct clock_data *before, *after;
    struct extent x = extent_of(r);
    *out = (struct ranks_clock_map){0};
    if (rank == first)
        return NULL;
    find_two(rank, x, &before, &after);
    const struct clock_data *base = before != NULL ? before : after;
    if (base == NULL)
        return "its clock was not compared with rank 0's";
    if (!shift_of(rank, first, base->offset_ns, &out->shift_ns))
        return "its clock and rank 0's are too far apart";
    if (before != NULL && after != NULL)
        return line_through(before, after, out);
    out->error_ns = grown(base->error_ns, before != NULL ? x.end_ns - base->at_ns
                                                         : base->at_ns - x.begin_ns);
    return NULL;
}

int64_t ranks_clock_at(const struct ranks_clock_map *m, int64_t at_ns)
{
    if (at_ns == NS_UNKNOWN)
        return at_ns;
    int64_t mapped_ns = at_ns + m->shift_ns, since_ns = at_ns - m->from_ns;
    if (m->length_ns == 0 || since_ns <= 0)
        return mapped_ns;
    if (since_ns >= m->length_ns)
        return mapped_ns + m->rise_ns;
    return mapped_ns +
           llround((double)m->rise_ns * ((double)since_ns / (double)m->length_ns));
}

void ranks_clock_request(const struct ranks_clock_map *m, struct request_record *q)
{
    int64_t *times[] = {&q->due_ns,  &q->ready_ns, &q->sent_ns,
                        &q->done_ns, &q->first_ns, &q->last_ns};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        *times[i] = ranks_clock_at(m, *times[i]);
    for (size_t i = 0; i < q->event_count; i++)
        q->at_ns[i] = ranks_clock_at(m, q->at_ns[i]);
    for (int c = 0; c < EVENT_CLASS_COUNT; c++) {
        q->classes[c].first_ns = ranks_clock_at(m, q->classes[c].first_ns);
        q->classes[c].last_ns = ranks_clock_at(m, q->classes[c].last_ns);
    }
}
