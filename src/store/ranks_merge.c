#include "store/ranks_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/lines.h"
#include "store/journal.h"
#include "store/journal_read.h"
#include "store/ranks_clock.h"
#include "store/ranks_fields.h"
#include "store/row_set.h"
#include "text/jsonr_object.h"

#define SENT_BYTES  ((size_t)64 << 30)
#define INTERRUPTED "interrupted"
#define MISSING     "its journal is missing, or its first line is damaged"

/* One rank's journal. */
struct source {
    const char *path;
    struct run_data run;
    struct journal_note note;
};

/* A repeat of the merged journal, and what each rank has of it. */
struct repeat_of {
    int32_t cell, repeat;           /* cell: its number in the journals */
    const struct repeat_data *data; /* of the first rank that has it */
    const struct run_data *run;     /* that rank's */
};

/* A request, where it is and how its times are mapped. */
struct sent {
    struct request_record *record;
    const struct ranks_clock_map *map;
};

struct merging {
    struct arena *arena;
    struct err *e;
    struct source *sources; /* [count] as read */
    struct source **ranks;  /* [rank_count]; NULL: missing */
    size_t count, rank_count;
    struct repeat_of *repeats; /* [repeat_count] */
    size_t repeat_count, repeat_room;
    struct ranks_part *parts;     /* [rank_count] of the repeat under way */
    struct ranks_clock_map *maps; /* [rank_count] */
    struct journal out;
};

static enum status no_memory(struct merging *m)
{
    (void)status_no_memory(m->e, "journals of ranks");
    return STATUS_NO_MEMORY;
}

/* --- reading them */

/* A journal without a sound first line tells of no rank: that rank is missing then.
 * *why keeps what was wrong with the first of those. */
static enum status read_one(struct merging *m, const char *dir, struct err *why)
{
    struct source *s = &m->sources[m->count];
    s->path = arena_printf(m->arena, "%s/journal.jsonl", dir);
    if (s->path == NULL)
        return no_memory(m);
    struct err e;
    enum status st = journal_read(s->path, m->arena, &s->run, &s->note, &e);
    bool is_none = st == STATUS_BAD_INPUT || st == STATUS_NOT_FOUND;
    if (st == STATUS_OK)
        m->count++;
    else if (!is_none)
        *m->e = e;
    else if (why->code == STATUS_OK)
        *why = e;
    return is_none ? STATUS_OK : st;
}

static bool is_text(const char *a, const char *b)
{
    return a != NULL && b != NULL ? strcmp(a, b) == 0 : a == b;
}

static bool is_one_run(const struct run_data *a, const struct run_data *b)
{
    return is_text(field_str(&a->fields, FIELD_run_id),
                   field_str(&b->fields, FIELD_run_id)) &&
           is_text(a->plan_sha256, b->plan_sha256) && a->ranks == b->ranks &&
           a->definitions == b->definitions && is_text(a->serving_mode, b->serving_mode);
}

static enum status place(struct merging *m, struct source *s)
{
    const struct run_data *first = &m->sources[0].run;
    if (s->run.ranks == 0 || s->run.rank == RANK_ALL)
        return status_fail(m->e, STATUS_BAD_INPUT, s->path,
                           s->run.ranks == 0 ? "the journal of a run of one process"
                                             : "a journal that was merged already");
    if (strcmp(s->run.serving_mode, "online") != 0)
        return status_fail(m->e, STATUS_BAD_INPUT, s->path,
                           "offline each process is a run by itself: nothing to merge");
    if (!is_one_run(first, &s->run))
        return status_fail(m->e, STATUS_BAD_INPUT, s->path,
                           "of another run than %s (run_id, plan_sha256 or ranks)",
                           m->sources[0].path);
    struct source **at = &m->ranks[s->run.rank];
    if (*at != NULL)
        return status_fail(m->e, STATUS_BAD_INPUT, s->path,
                           "a second journal of rank %d; the first is %s",
                           (int)s->run.rank, (*at)->path);
    *at = s;
    return STATUS_OK;
}

static enum status make_room(struct merging *m)
{
    m->rank_count = m->count > 0 ? (size_t)m->sources[0].run.ranks : 0;
    m->ranks = arena_alloc(m->arena, m->rank_count + 1, sizeof(struct source *));
    m->parts = arena_alloc(m->arena, m->rank_count + 1, sizeof *m->parts);
    m->maps = arena_alloc(m->arena, m->rank_count + 1, sizeof *m->maps);
    bool is_made = m->ranks != NULL && m->parts != NULL && m->maps != NULL;
    return is_made ? STATUS_OK : no_memory(m);
}

static enum status read_all(struct merging *m, const char *const *dirs, size_t count)
{
    struct err why = {.code = STATUS_OK};
    m->sources = arena_alloc(m->arena, count + 1, sizeof *m->sources);
    if (m->sources == NULL)
        return no_memory(m);
    enum status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < count; i++)
        s = read_one(m, dirs[i], &why);
    if (s == STATUS_OK)
        s = make_room(m);
    for (size_t i = 0; s == STATUS_OK && i < m->count; i++)
        s = place(m, &m->sources[i]);
    if (s != STATUS_OK)
        return s;
    if (m->ranks[0] != NULL)
        return STATUS_OK;
    if (why.code == STATUS_OK)
        status_fail(&why, STATUS_BAD_INPUT, count > 0 ? dirs[0] : "ranks",
                    "the journal of rank 0 is missing");
    *m->e = why;
    return status_hint(m->e, "Give the folders of all ranks: rank_0, rank_1 ...");
}

/* --- which repeats there are */

static int32_t cell_number(const struct source *s, const struct repeat_data *r)
{
    return (int32_t)s->note.cell_numbers[r->cell];
}

/* `near`: where it is if no line is lost. */
static const struct repeat_data *find(const struct source *s,
                                      const struct repeat_of *wanted, size_t near)
{
    const struct run_data *run = &s->run;
    for (size_t i = 0; i < run->repeat_count; i++) {
        const struct repeat_data *r = &run->repeats[(near + i) % run->repeat_count];
        if (r->repeat == wanted->repeat && cell_number(s, r) == wanted->cell)
            return r;
    }
    return NULL;
}

static bool is_listed(const struct merging *m, const struct repeat_of *r, size_t near)
{
    for (size_t i = 0; i < m->repeat_count; i++) {
        const struct repeat_of *known = &m->repeats[(near + i) % m->repeat_count];
        if (known->cell == r->cell && known->repeat == r->repeat)
            return true;
    }
    return false;
}

/* Rank 0's first, in their order; then those of which only others have a line. */
static enum status list_repeats(struct merging *m)
{
    for (size_t k = 0; k < m->rank_count; k++) {
        const struct run_data *run = m->ranks[k] != NULL ? &m->ranks[k]->run : NULL;
        for (size_t i = 0; run != NULL && i < run->repeat_count; i++) {
            const struct repeat_data *data = &run->repeats[i];
            const struct repeat_of r = {cell_number(m->ranks[k], data), data->repeat,
                                        data, run};
            if (k > 0 && is_listed(m, &r, i))
                continue;
            if (!arena_grow(m->arena, &m->repeats, m->repeat_count, &m->repeat_room,
                            sizeof *m->repeats))
                return no_memory(m);
            m->repeats[m->repeat_count++] = r;
        }
    }
    return STATUS_OK;
}

/* All cells, in rank 0's order; then those whose line only others have. */
static enum status write_cells(struct merging *m)
{
    struct row_set written;
    enum status s = STATUS_OK;
    row_set_init(&written);
    for (size_t k = 0; k < m->rank_count; k++) {
        const struct run_data *run = m->ranks[k] != NULL ? &m->ranks[k]->run : NULL;
        for (size_t i = 0; run != NULL && s == STATUS_OK && i < run->cell_count; i++) {
            const struct cell_data *c = &run->cells[i];
            int64_t number = m->ranks[k]->note.cell_numbers[i];
            const struct row_set_key key = {.high = 1, .low = (uint64_t)number};
            bool is_new, ignored;
            s = row_set_add(&written, key, 0, &is_new, &ignored);
            if (s != STATUS_OK)
                s = no_memory(m);
            else if (is_new)
                s = journal_cell(&m->out, (size_t)number, c, m->e);
        }
    }
    row_set_fini(&written);
    return s;
}

/* --- one repeat */

static const char *blame(struct merging *m, size_t rank, const char *cause)
{
    return arena_text(m->arena, "rank %zu: %s", rank, cause);
}

/* Why a rank's part is no sound one; NULL: it is. */
static const char *fault_of(const struct merging *m, size_t rank, const char *plan,
                            bool *is_open)
{
    const struct repeat_data *r = m->parts[rank].repeat;
    *is_open = false;
    if (m->ranks[rank] == NULL)
        return MISSING;
    if (r == NULL)
        return "its journal has no line of this repeat";
    const struct run_data *run = m->parts[rank].run;
    if (!is_text(field_str(&run->cells[r->cell].fields, FIELD_plan_sha256), plan))
        return "its plan of this cell is another one";
    *is_open = r->error == NULL && !r->is_ended;
    return *is_open ? INTERRUPTED : r->error;
}

/* What is wrong with a repeat, NULL: nothing. The first cause that is no interruption,
 * since one rank that fails ends the others; without a rank where all say the same.
 * *is_open: none of them ended it. */
static const char *error_of(struct merging *m, const char *plan, bool *is_open)
{
    const char *first = NULL;
    size_t rank = 0, same = 0;
    *is_open = true;
    for (size_t k = 0; k < m->rank_count; k++) {
        bool is_own_open;
        const char *own = fault_of(m, k, plan, &is_own_open);
        *is_open = *is_open && is_own_open;
        bool is_better = first == NULL || (strcmp(first, INTERRUPTED) == 0 &&
                                           own != NULL && strcmp(own, INTERRUPTED) != 0);
        if (own != NULL && is_better) {
            first = own;
            rank = k;
        }
    }
    for (size_t k = 0; first != NULL && k < m->rank_count; k++) {
        bool ignored;
        same += is_text(fault_of(m, k, plan, &ignored), first);
    }
    return first == NULL || same == m->rank_count ? first : blame(m, rank, first);
}

static void find_parts(struct merging *m, const struct repeat_of *of, size_t near)
{
    for (size_t k = 0; k < m->rank_count; k++) {
        const struct source *s = m->ranks[k];
        m->parts[k] = (struct ranks_part){.rank = (int32_t)k};
        if (s != NULL) {
            m->parts[k].run = &s->run;
            m->parts[k].repeat = find(s, of, near);
        }
    }
}

/* *fault: of the first rank whose times cannot be mapped; its requests are left out. */
static int64_t find_maps(struct merging *m, const char **fault)
{
    int64_t error_ns = 0;
    for (size_t k = 0; k < m->rank_count; k++) {
        struct ranks_part *p = &m->parts[k];
        if (p->repeat == NULL)
            continue;
        const char *why = ranks_clock_find(&m->ranks[k]->note, &m->ranks[0]->note,
                                           p->repeat, &m->maps[k]);
        if (m->maps[k].error_ns > error_ns)
            error_ns = m->maps[k].error_ns;
        if (why == NULL)
            continue;
        if (*fault == NULL)
            *fault = blame(m, k, why);
        p->repeat = NULL;
    }
    return error_ns;
}

static int by_index(const void *a, const void *b)
{
    const struct sent *x = a, *y = b;
    int32_t i = x->record->index, k = y->record->index;
    if (i != k)
        return i < k ? -1 : 1;
    return (x->record->rank > y->record->rank) - (x->record->rank < y->record->rank);
}

/* Those of all ranks, in order; *fault where two ranks sent the same one. */
static enum status collect(struct merging *m, struct arena *a, struct sent **out,
                           size_t *count, const char **fault)
{
    size_t n = 0, kept = 0;
    for (size_t k = 0; k < m->rank_count; k++)
        n += m->parts[k].repeat != NULL ? m->parts[k].repeat->request_count : 0;
    struct sent *all = arena_alloc(a, n + 1, sizeof *all);
    if (all == NULL)
        return no_memory(m);
    n = 0;
    for (size_t k = 0; k < m->rank_count; k++) {
        const struct repeat_data *r = m->parts[k].repeat;
        for (size_t i = 0; r != NULL && i < r->request_count; i++) {
            r->requests[i].rank = (int32_t)k;
            all[n++] = (struct sent){&r->requests[i], &m->maps[k]};
        }
    }
    qsort(all, n, sizeof *all, by_index);
    for (size_t i = 0; i < n; i++) {
        const struct request_record *q = all[i].record;
        if (kept == 0 || all[kept - 1].record->index != q->index)
            all[kept++] = all[i];
        else if (*fault == NULL)
            *fault = blame(m, (size_t)q->rank,
                           arena_text(m->arena, "request %d is also rank %d's",
                                      (int)q->index, (int)all[kept - 1].record->rank));
    }
    *out = all;
    *count = kept;
    return STATUS_OK;
}

static int64_t planned(const struct merging *m)
{
    int64_t sum = 0;
    for (size_t k = 0; k < m->rank_count; k++)
        if (m->parts[k].repeat != NULL)
            sum += m->parts[k].repeat->requests_planned;
    return sum;
}

static void at(struct merging *m, int64_t at_ns)
{
    if (at_ns != NS_UNKNOWN && at_ns > m->out.at_ns)
        m->out.at_ns = at_ns;
}

static enum status write_requests(struct merging *m, const struct repeat_data *r,
                                  const struct sent *sent, size_t count)
{
    bool has_gaps = true; /* those that were not written are not there */
    for (size_t i = 0; i < count; i++) {
        struct request_record *q = sent[i].record;
        ranks_clock_request(sent[i].map, q);
        at(m, q->done_ns);
        if (journal_request(&m->out, r, q, has_gaps, m->e) != STATUS_OK)
            return m->e->code;
    }
    return STATUS_OK;
}

static size_t sound_parts(const struct merging *m, struct ranks_part *out)
{
    size_t n = 0;
    for (size_t k = 0; k < m->rank_count; k++)
        if (m->parts[k].repeat != NULL)
            out[n++] = m->parts[k];
    return n;
}

static void fill_fields(struct merging *m, int64_t error_ns, struct repeat_data *out)
{
    struct ranks_part *parts = arena_alloc(m->arena, m->rank_count, sizeof *parts);
    size_t count = parts != NULL ? sound_parts(m, parts) : 0;
    if (count > 0)
        ranks_fields_merge(parts, count, m->arena, &out->fields);
    if (out->error == NULL)
        out->fields.v[FIELD_clock_error_us] = value_num((double)error_ns / 1e3);
}

static enum status end_repeat(struct merging *m, struct repeat_data *r, int64_t error_ns)
{
    fill_fields(m, error_ns, r);
    if (m->arena->has_failed)
        return no_memory(m);
    return journal_repeat_end(&m->out, r, m->e);
}

/* Of the first rank that has it: rank 0, if its line is not lost. */
static void begin_repeat(const struct merging *m, const struct repeat_of *of,
                         struct repeat_data *r)
{
    size_t k = 0;
    while (k + 1 < m->rank_count && m->parts[k].repeat == NULL)
        k++;
    *r = (struct repeat_data){.cell = of->cell,
                              .repeat = of->repeat,
                              .is_warmup = of->data->is_warmup,
                              .start_ns = m->out.at_ns,
                              .expected_cached_tokens = of->data->expected_cached_tokens,
                              .requests_planned = planned(m)};
    if (m->parts[k].repeat == NULL)
        return;
    r->start_ns = ranks_clock_at(&m->maps[k], of->data->start_ns);
    r->phase_ns = of->data->phase_ns;
    if (r->phase_ns != 0)
        r->phase_ns = ranks_clock_at(&m->maps[k], r->phase_ns);
}

static enum status merge_repeat(struct merging *m, const struct repeat_of *of,
                                struct arena *a, size_t near)
{
    struct repeat_data r;
    struct sent *sent = NULL;
    size_t count = 0;
    const char *fault = NULL;
    bool is_open;
    find_parts(m, of, near);
    const char *plan = field_str(&of->run->cells[of->data->cell].fields,
                                 FIELD_plan_sha256);
    const char *error = error_of(m, plan, &is_open);
    int64_t error_ns = find_maps(m, &fault);
    if (collect(m, a, &sent, &count, &fault) != STATUS_OK)
        return m->e->code;
    begin_repeat(m, of, &r);
    r.error = error != NULL ? error : fault;
    if (journal_repeat(&m->out, &r, m->e) != STATUS_OK ||
        write_requests(m, &r, sent, count) != STATUS_OK)
        return m->e->code;
    return is_open ? STATUS_OK : end_repeat(m, &r, error_ns);
}

static enum status write_repeats(struct merging *m)
{
    enum status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < m->repeat_count; i++) {
        struct arena a;
        arena_init(&a, SENT_BYTES);
        s = merge_repeat(m, &m->repeats[i], &a, i);
        arena_fini(&a);
    }
    return s;
}

/* --- the whole */

static enum status write_end(struct merging *m)
{
    const struct run_data *first = &m->ranks[0]->run;
    bool is_complete = first->is_complete;
    if (first->end_cause == NULL)
        return STATUS_OK;
    for (size_t k = 1; k < m->rank_count; k++)
        is_complete = is_complete && m->ranks[k] != NULL && m->ranks[k]->run.is_complete;
    m->out.at_ns = first->end_ns;
    return journal_run_end(&m->out, first->end_cause, is_complete, m->e);
}

static enum status write_all(struct merging *m)
{
    struct run_data head = m->ranks[0]->run;
    head.rank = RANK_ALL;
    if (journal_run(&m->out, &head, m->e) != STATUS_OK || write_cells(m) != STATUS_OK ||
        write_repeats(m) != STATUS_OK)
        return m->e->code;
    return write_end(m);
}

static enum status write_file(struct merging *m, const char *path)
{
    struct file_draft d;
    const struct instant start = {m->ranks[0]->note.start_monotonic_ns};
    if (file_draft_open(&d, path, m->e) != STATUS_OK)
        return m->e->code;
    journal_rewrite(&m->out, d.fd, path, start);
    enum status s = write_all(m);
    journal_leave(&m->out);
    if (s == STATUS_OK)
        return file_draft_commit(&d, m->e);
    file_draft_drop(&d);
    return s;
}

static bool is_of_run(const struct line *l, const char *run_id)
{
    struct jsonr_object line = {0};
    struct jsonr r;
    struct str key;
    bool is_own = false;
    jsonr_init(&r, l->text, NULL, NULL);
    jsonr_object_read(&r, "the line", &line);
    if (jsonr_end(&r) == STATUS_OK) {
        jsonr_init(&r, jsonr_object_get(&line, "fields").text, NULL, NULL);
        jsonr_enter(&r, '{');
        while (jsonr_member(&r, &key)) {
            struct jsonr_value v = jsonr_value(&r);
            is_own = is_own || (str_is(key, "run_id") && str_is(jsonr_inner(v), run_id));
        }
    }
    jsonr_object_fini(&line);
    return is_own;
}

/* What is replaced must be an earlier merging of the same run. */
static enum status check_place(const struct merging *m, const char *path)
{
    const char *run_id = field_str(&m->ranks[0]->run.fields, FIELD_run_id);
    struct lines in;
    struct line l;
    bool has = false;
    if (!file_exists(path))
        return STATUS_OK;
    enum status s = lines_open(&in, path, JOURNAL_LINE_CAP_BYTES, m->e);
    if (s == STATUS_OK)
        s = lines_next(&in, &l, &has, m->e);
    if (s == STATUS_OK && (!has || run_id == NULL || !is_of_run(&l, run_id))) {
        (void)status_fail(m->e, STATUS_BAD_INPUT, path, "the journal of another run");
        s = status_hint(m->e, "Move it away, or name another place with --output-dir.");
    }
    lines_close(&in);
    return s;
}

enum status ranks_merge(const char *const *dirs, size_t count, const char *raw_dir,
                        struct arena *a, struct err *e)
{
    struct err local;
    struct merging m = {.arena = a, .e = e != NULL ? e : &local};
    const char *path = arena_printf(a, "%s/journal.jsonl", raw_dir);
    if (path == NULL)
        return no_memory(&m);
    if (read_all(&m, dirs, count) != STATUS_OK || check_place(&m, path) != STATUS_OK ||
        list_repeats(&m) != STATUS_OK)
        return m.e->code;
    return write_file(&m, path);
}
