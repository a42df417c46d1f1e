#include <string.h>

#include "store/journal_line.h"

/* An array of whole numbers; *items NULL where there is none. */
static enum status ints(struct arena *a, const struct jsonr_object *line, const char *key,
                        int64_t **items, size_t *count)
{
    struct jsonr_value list = jsonr_object_get(line, key);
    size_t n = 0, room = 1;
    struct jsonr r;
    *items = NULL;
    *count = 0;
    if (list.kind != JSONR_LIST)
        return STATUS_OK;
    for (size_t i = 0; i < list.text.len; i++)
        room += list.text.ptr[i] == ',';
    int64_t *out = arena_alloc(a, room, sizeof *out);
    if (out == NULL)
        return STATUS_NO_MEMORY;
    jsonr_init(&r, list.text, NULL, NULL);
    jsonr_enter(&r, '[');
    while (jsonr_item(&r) && n < room)
        (void)jsonr_whole(jsonr_value(&r), &out[n++]);
    *items = out;
    *count = n;
    return STATUS_OK;
}

/* --- format 2 */

/* The next letter of "x20t" and how often it comes; false at the end, or where the text
 * is none of that kind. */
static bool next_run(struct str *text, const char *letters, int *which, size_t *times)
{
    const char *at = text->len > 0 ? memchr(letters, *text->ptr, strlen(letters)) : NULL;
    if (at == NULL)
        return false;
    *which = (int)(at - letters);
    *times = 0;
    for (text->ptr++, text->len--; text->len > 0 && *text->ptr >= '0' &&
                                   *text->ptr <= '9' && *times < SIZE_MAX / 16;
         text->ptr++, text->len--)
        *times = *times * 10 + (size_t)(*text->ptr - '0');
    *times += *times == 0;
    return true;
}

/* Sets one half of all marks, where they are there; false where the letters are not as
 * many as the events. */
static bool mark(struct request_record *q, struct jsonr_value v, const char *letters,
                 int shift)
{
    struct str text = jsonr_inner(v);
    size_t done = 0, times;
    int which;
    if (v.kind != JSONR_STRING)
        return true;
    while (next_run(&text, letters, &which, &times)) {
        if (times > q->event_count - done)
            return false;
        for (size_t end = done + times; done < end; done++)
            q->marks[done] |= (uint8_t)(which << shift);
    }
    return text.len == 0 && done == q->event_count;
}

static enum status marks(struct arena *a, const struct jsonr_object *line,
                         struct request_record *q)
{
    struct jsonr_value classes = jsonr_object_get(line, "classes");
    struct jsonr_value stamps = jsonr_object_get(line, "stamps");
    if (classes.kind != JSONR_STRING && stamps.kind != JSONR_STRING)
        return STATUS_OK;
    q->marks = arena_alloc(a, q->event_count, sizeof *q->marks);
    if (q->marks == NULL)
        return STATUS_NO_MEMORY;
    bool is_good = mark(q, classes, RECORD_CLASS_LETTERS, 0) &&
                   mark(q, stamps, RECORD_STAMP_LETTERS, 2);
    return is_good ? STATUS_OK : STATUS_BAD_INPUT;
}

/* True if they are as many as the events, none is negative, and the server's total is
 * theirs. */
static bool add_up(const struct request_record *q, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (q->event_tokens[i] < 0 || q->event_tokens[i] > RECORD_MAX_COUNT)
            return false;
        sum += q->event_tokens[i];
    }
    return count == q->event_count && sum == q->tokens_out;
}

static enum status arrivals(struct arena *a, const struct jsonr_object *line,
                            struct request_record *q)
{
    size_t gaps, counts;
    int64_t *gaps_ns;
    enum status s = ints(a, line, "gaps_ns", &gaps_ns, &gaps);
    if (s == STATUS_OK)
        s = ints(a, line, "event_tokens", &q->event_tokens, &counts);
    q->event_count = gaps + 1;
    q->at_ns = arena_alloc(a, q->event_count, sizeof *q->at_ns);
    if (s != STATUS_OK || q->at_ns == NULL)
        return STATUS_NO_MEMORY;
    q->at_ns[0] = jsonr_object_int(line, "event_ns", 0);
    for (size_t i = 0; i < gaps; i++) {
        if (gaps_ns[i] < 0)
            return STATUS_BAD_INPUT;
        q->at_ns[i + 1] = q->at_ns[i] + gaps_ns[i];
    }
    bool is_sum = q->event_tokens != NULL ? add_up(q, counts)
                                          : (int64_t)q->event_count == q->tokens_out;
    q->is_counted = q->is_counted && is_sum;
    return marks(a, line, q);
}

static void read_class(const struct jsonr_object *line, enum event_class which,
                       struct request_record *q)
{
    struct record_class *c = &q->classes[which];
    const struct {
        const char *key;
        int64_t *to;
    } members[] = {{"count", &c->count},
                   {"first_ns", &c->first_ns},
                   {"last_ns", &c->last_ns},
                   {"exact", &c->stamps[EVENT_EXACT]},
                   {"bounded", &c->stamps[EVENT_BOUNDED]},
                   {"tail", &c->stamps[EVENT_TAIL]}};
    struct jsonr_value of = jsonr_object_get(line, record_class_name(which));
    struct jsonr r;
    struct str key;
    *c = (struct record_class){.first_ns = NS_UNKNOWN, .last_ns = NS_UNKNOWN};
    jsonr_init(&r, of.text, NULL, NULL);
    jsonr_enter(&r, '{');
    while (jsonr_member(&r, &key)) {
        struct jsonr_value v = jsonr_value(&r);
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            if (str_is(key, members[i].key))
                (void)jsonr_whole(v, members[i].to);
    }
    if (c->count < 0 || c->first_ns == NS_UNKNOWN || c->last_ns == NS_UNKNOWN)
        c->count = 0;
}

enum status journal_events_read(struct arena *a, const struct jsonr_object *line,
                                struct request_record *q)
{
    enum status s = STATUS_OK;
    q->first_ns = NS_UNKNOWN;
    q->is_counted = jsonr_object_bool(line, "counted", false);
    if (jsonr_object_find(line, "event_ns") != NULL) {
        s = arrivals(a, line, q);
        if (s != STATUS_OK)
            return s;
        record_count_classes(q);
    } else {
        for (int c = 0; c < EVENT_CLASS_COUNT; c++)
            read_class(line, (enum event_class)c, q);
    }
    if (q->last_ns != NS_UNKNOWN)
        q->events = RECORD_WHOLE;
    record_check_counts(q, record_most_tokens(q));
    return s;
}

/* --- format 1 */

struct old_gaps {
    int64_t *booked_ns, *excluded_ns, *excluded_at;
    size_t booked, excluded;
};

/* Merges booked and excluded gaps into the events that they lead to. */
static void merge(const struct old_gaps *g, struct request_record *q)
{
    size_t booked = 0, out = 0;
    q->at_ns[0] = q->first_ns;
    for (size_t i = 1; i < q->event_count; i++) {
        bool is_excluded = out < g->excluded &&
                           (g->excluded_at[out] <= (int64_t)i || booked == g->booked);
        int64_t gap_ns = is_excluded ? g->excluded_ns[out++] : g->booked_ns[booked++];
        q->at_ns[i] = q->at_ns[i - 1] + gap_ns;
        q->marks[i] = is_excluded ? RECORD_GAP_EXCLUDED : 0;
    }
}

/* Stamps of format 1 are counts only. */
static void old_stamps(const struct jsonr_object *line, struct request_record *q)
{
    int64_t *stamps = q->classes[EVENT_TEXT].stamps;
    stamps[EVENT_EXACT] = jsonr_object_int(line, "stamps_exact", 0);
    stamps[EVENT_BOUNDED] = jsonr_object_int(line, "stamps_bounded", 0);
    stamps[EVENT_TAIL] = jsonr_object_int(line, "stamps_tail", 0);
}

enum status journal_events_read_old(struct arena *a, const struct jsonr_object *line,
                                    struct request_record *q)
{
    struct old_gaps g = {0};
    size_t places = 0, counts = 0;
    enum status s = ints(a, line, "gaps_ns", &g.booked_ns, &g.booked);
    if (s == STATUS_OK)
        s = ints(a, line, "excluded_ns", &g.excluded_ns, &g.excluded);
    if (s == STATUS_OK)
        s = ints(a, line, "excluded_at", &g.excluded_at, &places);
    if (s == STATUS_OK)
        s = ints(a, line, "event_tokens", &q->event_tokens, &counts);
    q->gaps_excluded = jsonr_object_int(line, "gaps_excluded", 0);
    q->events = RECORD_SETTLED;
    old_stamps(line, q);
    record_check_counts(q, RECORD_MAX_COUNT);
    if (s != STATUS_OK || q->first_ns == NS_UNKNOWN || g.booked_ns == NULL)
        return s;
    if (g.excluded != places || (int64_t)g.excluded != q->gaps_excluded)
        g.excluded = 0;
    q->gaps_excluded -= (int64_t)g.excluded;
    q->event_count = 1 + g.booked + g.excluded;
    q->at_ns = arena_alloc(a, q->event_count, sizeof *q->at_ns);
    q->marks = arena_alloc(a, q->event_count, sizeof *q->marks);
    if (q->at_ns == NULL || q->marks == NULL)
        return STATUS_NO_MEMORY;
    merge(&g, q);
    if (counts != q->event_count)
        q->event_tokens = NULL;
    return STATUS_OK;
}
