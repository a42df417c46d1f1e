#include "store/journal_order.h"

#include <stdio.h>

enum { GONE_MAX = 1000 }; /* of them in one journal have a row */

static const struct journal_name nobody = {-1, -1};

void journal_order_init(struct journal_order *o, struct arena *a, struct run_data *run,
                        struct journal_note *note)
{
    *o = (struct journal_order){
        .arena = a, .run = run, .note = note, .last = nobody, .lost = nobody};
    row_set_init(&o->indices);
    row_set_init(&o->names);
}

void journal_order_fini(struct journal_order *o)
{
    row_set_fini(&o->indices);
    row_set_fini(&o->names);
}

/* --- cells */

/* -1: its line is not there. */
static int64_t cell_index(const struct journal_order *o, int64_t number)
{
    for (size_t i = o->run->cell_count; i > 0; i--)
        if (o->cell_numbers[i - 1] == number)
            return (int64_t)i - 1;
    return -1;
}

enum status journal_order_cell(struct journal_order *o, int64_t number,
                               struct cell_data **out, struct err *e)
{
    struct run_data *run = o->run;
    size_t count = run->cell_count;
    if (cell_index(o, number) >= 0)
        return status_fail(e, STATUS_BAD_INPUT, o->where, "a second line for its cell");
    if (!arena_grow(o->arena, &run->cells, count, &o->cell_room, sizeof *run->cells) ||
        !arena_grow(o->arena, &o->cell_numbers, count, &o->number_room,
                    sizeof *o->cell_numbers))
        return status_no_memory(e, o->where);
    o->cell_numbers[count] = number;
    *out = &run->cells[count];
    run->cell_count++;
    return STATUS_OK;
}

/* --- repeats */

static bool is_same(struct journal_name a, struct journal_name b)
{
    return a.cell == b.cell && a.repeat == b.repeat;
}

/* A key is its own hash, and 0 is none. */
static struct row_set_key key_of(struct journal_name name)
{
    uint64_t cell = (uint64_t)name.cell, repeat = (uint64_t)name.repeat;
    return (struct row_set_key){.high = cell + 1, .low = (cell << 16) + repeat};
}

/* The repeat that has begun and not ended; NULL: none. */
static struct repeat_data *under_way(const struct journal_order *o)
{
    const struct run_data *run = o->run;
    if (run->repeat_count == 0 || !is_same(o->lost, nobody))
        return NULL;
    struct repeat_data *r = &run->repeats[run->repeat_count - 1];
    return r->is_ended ? NULL : r;
}

static enum status begin(struct journal_order *o, struct journal_name name, int64_t cell,
                         struct err *e)
{
    struct run_data *run = o->run;
    bool is_new, is_equal;
    if (!arena_grow(o->arena, &run->repeats, run->repeat_count, &o->repeat_room,
                    sizeof *run->repeats) ||
        row_set_add(&o->names, key_of(name), 0, &is_new, &is_equal) != STATUS_OK)
        return status_no_memory(e, o->where);
    if (!is_new)
        return status_fail(e, STATUS_BAD_INPUT, o->where, "its repeat appeared before");
    row_set_fini(&o->indices);
    run->repeats[run->repeat_count++] = (struct repeat_data){
        .cell = (int32_t)cell,
        .repeat = (int32_t)name.repeat,
        .is_warmup = name.repeat == 0,
        .start_ns = run->end_ns,
        .expected_cached_tokens = TOKENS_UNKNOWN};
    o->request_room = 0;
    o->is_marked = false;
    o->last = name;
    o->lost = nobody;
    return STATUS_OK;
}

static void lose(struct journal_order *o, struct journal_name name)
{
    o->note->repeats_lost += !is_same(o->lost, name);
    o->lost = name;
    o->gap = 0;
}

enum status journal_order_repeat(struct journal_order *o, struct journal_name name,
                                 struct repeat_data **out, struct err *e)
{
    int64_t cell = cell_index(o, name.cell);
    *out = NULL;
    if (cell < 0) {
        lose(o, name);
        return STATUS_OK;
    }
    if (begin(o, name, cell, e) != STATUS_OK)
        return e->code;
    o->gap = 0;
    *out = under_way(o);
    return STATUS_OK;
}

enum status journal_order_request(struct journal_order *o, struct repeat_data *r,
                                  int32_t index, struct request_record **out,
                                  struct err *e)
{
    bool is_new, is_equal;
    const struct row_set_key key = {.high = 1, .low = (uint64_t)index};
    if (!arena_grow(o->arena, &r->requests, r->request_count, &o->request_room,
                    sizeof *r->requests) ||
        row_set_add(&o->indices, key, 0, &is_new, &is_equal) != STATUS_OK)
        return status_no_memory(e, o->where);
    if (!is_new)
        return status_fail(e, STATUS_BAD_INPUT, o->where,
                           "a second line for its request");
    *out = &r->requests[r->request_count++];
    (*out)->index = index;
    return STATUS_OK;
}

/* --- damage */

/* The last repeat gets that error: NULL is no memory. */
static enum status blame(struct journal_order *o, char *text, struct err *e)
{
    if (text == NULL)
        return status_no_memory(e, o->where);
    for (char *c = text; *c != '\0'; c++)
        if (*c < ' ' || *c > '~') /* a part of a line */
            *c = '?';
    o->run->repeats[o->run->repeat_count - 1].error = text;
    o->is_marked = true;
    o->note->repeats_damaged++;
    return STATUS_OK;
}

/* The last repeat gets the error of a damaged line, if it has none yet. */
static enum status mark(struct journal_order *o, int64_t number, const char *why,
                        struct err *e)
{
    if (o->is_marked)
        return STATUS_OK;
    return blame(o,
                 arena_printf(o->arena, "journal line %lld is damaged: %s",
                              (long long)number, why),
                 e);
}

enum status journal_order_short(struct journal_order *o, struct repeat_data *r,
                                const char *why, struct err *e)
{
    if (r->error != NULL)
        return STATUS_OK;
    o->note->repeats_short++;
    return blame(o,
                 arena_printf(o->arena, "journal line %lld ends the repeat, but %s",
                              (long long)o->number, why),
                 e);
}

/* A repeat of that name, of which nothing else is known. */
static enum status begin_gone(struct journal_order *o, struct journal_name name,
                              int64_t cell, struct err *e)
{
    if (begin(o, name, cell, e) != STATUS_OK)
        return e->code;
    o->run->repeats[o->run->repeat_count - 1].is_ended = true;
    if (o->note->repeats_gone++ == 0) {
        o->note->gone_cell = name.cell;
        o->note->gone_repeat = name.repeat;
    }
    return blame(
        o,
        arena_printf(
            o->arena,
            "journal line %lld comes after this repeat, but none of its lines is there",
            (long long)o->number),
        e);
}

/* Repeats of a cell are numbered from 0 on. Where the line of their cell is missing, they
 * are left out, and so are those beyond GONE_MAX. */
enum status journal_order_begun(struct journal_order *o, struct journal_name before,
                                int64_t begun, struct err *e)
{
    int64_t there = (int64_t)(o->run->repeat_count + o->note->repeats_lost);
    int64_t gone = begun - there, made = 0;
    bool is_repeat = before.repeat >= 0;
    struct journal_name name = {.cell = is_repeat ? before.cell : before.cell - 1};
    int64_t cell = cell_index(o, name.cell);
    int64_t until = is_repeat ? before.repeat : INT32_MAX;
    for (; cell >= 0 && made < gone && o->note->repeats_gone < GONE_MAX &&
           name.repeat < until;
         name.repeat++) {
        if (row_set_has(&o->names, key_of(name)))
            continue;
        if (begin_gone(o, name, cell, e) != STATUS_OK)
            return e->code;
        made++;
    }
    if (made < gone)
        o->note->repeats_lost += (size_t)(gone - made);
    return STATUS_OK;
}

enum status journal_order_damaged(struct journal_order *o, const char *why, struct err *e)
{
    if (o->note->lines_damaged++ == 0)
        o->note->first_damaged = o->number;
    if (o->gap == 0) {
        o->gap = o->number;
        (void)snprintf(o->gap_why, sizeof o->gap_why, "%s", why);
    }
    return under_way(o) != NULL ? mark(o, o->number, o->gap_why, e) : STATUS_OK;
}

/* A line of a repeat that is not the one under way. Where damaged lines came before it,
 * they held the end of that one and the beginning of this. Where none is under way, the
 * beginning is missing. Else the line itself is what is wrong. */
static enum status begin_damaged(struct journal_order *o, struct journal_name name,
                                 struct err *e)
{
    static const char why[] = "it belongs to no started repeat";
    int64_t cell = cell_index(o, name.cell);
    bool was_there = row_set_has(&o->names, key_of(name));
    if ((o->gap == 0 && under_way(o) != NULL) || was_there)
        return status_fail(e, STATUS_BAD_INPUT, o->where, "%s", why);
    if (cell < 0) {
        lose(o, name);
        return STATUS_OK;
    }
    if (o->gap == 0 && journal_order_damaged(o, why, e) != STATUS_OK)
        return e->code;
    if (begin(o, name, cell, e) != STATUS_OK)
        return e->code;
    return mark(o, o->gap, o->gap_why, e);
}

enum status journal_order_current(struct journal_order *o, struct journal_name name,
                                  struct repeat_data **out, struct err *e)
{
    *out = NULL;
    if (is_same(name, o->lost))
        return STATUS_OK;
    if ((under_way(o) == NULL || !is_same(name, o->last)) &&
        begin_damaged(o, name, e) != STATUS_OK)
        return e->code;
    o->gap = 0;
    *out = under_way(o);
    return STATUS_OK;
}
