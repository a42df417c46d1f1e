#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/record.h"
#include "store/journal_line.h"

/* Times and their sums stay far from the ends of int64_t: 115 days. Clocks that count
 * from elsewhere (from 1970, from the start of the machine) may show more. */
#define MOST_NS       1e16
#define MOST_CLOCK_NS 4e18
#define MOST_COUNT    ((double)RECORD_TOKENS_MAX)

enum { NUMBERS_MAX = 4 };

/* Whole numbers from 0 on, and an object, that a line of a type cannot be without. */
static const struct {
    const char *type, *numbers[NUMBERS_MAX], *object;
} needed[] = {
    {"cell", {"cell"}, "fields"},
    {"repeat", {"cell", "repeat", "planned"}, NULL},
    {"request", {"cell", "repeat", "index", "max_tokens"}, NULL},
    {"repeat_end", {"cell", "repeat"}, "fields"},
};

/* What a server counted. */
static const char *const counts[] = {"tokens_in", "tokens_out", "tokens_cached",
                                     "first_event_tokens", "event_tokens"};

#define LENGTH(table) (sizeof table / sizeof table[0])

static enum status damaged(const char *where, struct str key, const char *what,
                           struct err *e)
{
    enum { SHOWN = 40 };
    int len = key.len < SHOWN ? (int)key.len : SHOWN;
    return status_fail(e, STATUS_BAD_INPUT, where, "%.*s: %s", len, key.ptr, what);
}

static bool is_whole(struct jsonr_value v, double least, double most)
{
    double n = jsonr_num(v);
    return n >= least && n <= most && n == floor(n);
}

/* A whole number, or a list of them with a sum, that can be. */
static bool are_whole(struct jsonr_value v, double least, double most)
{
    struct jsonr r;
    int64_t n;
    double sum = 0;
    if (v.kind != JSONR_LIST)
        return is_whole(v, least, most);
    jsonr_init(&r, v.text, NULL, NULL);
    jsonr_enter(&r, '[');
    while (jsonr_item(&r)) {
        if (!jsonr_whole(jsonr_value(&r), &n) || (double)n < least || (double)n > most)
            return false;
        sum += fabs((double)n);
    }
    return sum <= most;
}

/* --- counts of a server */

static void forget_counts(struct jsonr_object *line)
{
    static const struct jsonr_value unknown = {JSONR_NUMBER, {"-1", 2}};
    for (size_t i = 0; i < LENGTH(counts); i++) {
        struct jsonr_pair *p = jsonr_object_find(line, counts[i]);
        if (p == NULL || p->value.kind == JSONR_NULL ||
            are_whole(p->value, TOKENS_UNKNOWN, MOST_COUNT))
            continue;
        p->value = p->value.kind == JSONR_LIST ? (struct jsonr_value){.kind = JSONR_NULL}
                                               : unknown;
    }
}

/* --- our own numbers */

static bool is_time(struct str key)
{
    return key.len > 3 && memcmp(key.ptr + key.len - 3, "_ns", 3) == 0;
}

/* A number that no double holds, too. */
static bool is_small(struct jsonr_value v)
{
    return v.kind != JSONR_NUMBER || fabs(jsonr_num(v)) <= MOST_COUNT;
}

static bool is_possible(struct str key, struct jsonr_value v)
{
    struct jsonr r;
    if (is_time(key)) {
        bool is_clock = str_is(key, "start_wall_ns") ||
                        str_is(key, "start_monotonic_ns") || str_is(key, "offset_ns");
        double most = is_clock ? MOST_CLOCK_NS : MOST_NS;
        return v.kind == JSONR_NULL || are_whole(v, -most, most);
    }
    if (v.kind != JSONR_LIST)
        return str_is(key, "seed") || is_small(v);
    jsonr_init(&r, v.text, NULL, NULL);
    jsonr_enter(&r, '[');
    while (jsonr_item(&r))
        if (!is_small(jsonr_value(&r)))
            return false;
    return true;
}

static enum status check_number(struct str key, struct jsonr_value v, const char *where,
                                struct err *e)
{
    return is_possible(key, v) ? STATUS_OK
                               : damaged(where, key, "a number that cannot be", e);
}

/* Of the events of a class, where nobody kept them. */
static enum status check_class(struct jsonr_value of, const char *where, struct err *e)
{
    enum status s = STATUS_OK;
    struct jsonr r;
    struct str key;
    if (of.kind != JSONR_OBJECT)
        return s;
    jsonr_init(&r, of.text, NULL, NULL);
    jsonr_enter(&r, '{');
    while (jsonr_member(&r, &key) && s == STATUS_OK)
        s = check_number(key, jsonr_value(&r), where, e);
    return s;
}

static enum status check_numbers(const struct jsonr_object *line, const char *where,
                                 struct err *e)
{
    enum status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < line->count; i++)
        s = check_number(line->pairs[i].key, line->pairs[i].value, where, e);
    return s;
}

/* --- members */

/* Those that number something are int32_t in memory. */
static bool is_number_there(const struct jsonr_object *line, const char *key)
{
    bool is_amount = strcmp(key, "planned") == 0 || strcmp(key, "max_tokens") == 0;
    return is_whole(jsonr_object_get(line, key), 0,
                    is_amount ? MOST_COUNT : (double)INT32_MAX);
}

static enum status check_needed(const struct jsonr_object *line, size_t kind,
                                const char *where, struct err *e)
{
    const char *const *numbers = needed[kind].numbers, *object = needed[kind].object;
    for (size_t i = 0; i < NUMBERS_MAX && numbers[i] != NULL; i++)
        if (!is_number_there(line, numbers[i]))
            return damaged(where, str_from(numbers[i]),
                           "missing, or no number that can be", e);
    if (object != NULL && jsonr_object_get(line, object).kind != JSONR_OBJECT)
        return damaged(where, str_from(object), "missing, or no object", e);
    return STATUS_OK;
}

static enum status check_request(const struct jsonr_object *line, const char *where,
                                 struct err *e)
{
    enum record_status ignored;
    enum status s = STATUS_OK;
    if (!journal_line_status_find(jsonr_object_get(line, "status"), &ignored))
        return damaged(where, str_from("status"), "missing, or unknown", e);
    for (int i = 0; s == STATUS_OK && i < EVENT_CLASS_COUNT; i++)
        s = check_class(jsonr_object_get(line, record_class_name((enum event_class)i)),
                        where, e);
    return s;
}

/* A comparison of two clocks that tells how sure it is. */
static enum status check_clock(const struct jsonr_object *line, const char *where,
                               struct err *e)
{
    static const char *const keys[] = {"at_ns", "offset_ns", "error_ns"};
    static const double least[] = {-MOST_NS, -MOST_CLOCK_NS, 0};
    for (size_t i = 0; i < LENGTH(keys); i++)
        if (!is_whole(jsonr_object_get(line, keys[i]), least[i], MOST_CLOCK_NS))
            return damaged(where, str_from(keys[i]), "missing, or no number that can be",
                           e);
    return STATUS_OK;
}

/* Takes the digits off its beginning. */
static size_t take_digits(struct str *text)
{
    size_t n = 0;
    for (; text->len > 0 && *text->ptr >= '0' && *text->ptr <= '9'; n++, text->len--)
        text->ptr++;
    return n;
}

static bool take_char(struct str *text, char c)
{
    bool is_there = text->len > 0 && *text->ptr == c;
    text->ptr += is_there;
    text->len -= is_there;
    return is_there;
}

bool journal_check_stamp(struct str text)
{
    enum { DATE = 8, TIME = 6, NUMBER_MAX = 4 };
    if (take_digits(&text) != DATE || !take_char(&text, '_') ||
        take_digits(&text) != TIME)
        return false;
    if (!take_char(&text, '-'))
        return text.len == 0;
    size_t len = take_digits(&text);
    return len > 0 && len <= NUMBER_MAX && text.len == 0;
}

enum status journal_check_run(const struct jsonr_object *line, const char *where,
                              struct err *e)
{
    struct jsonr_value stamp = jsonr_object_get(line, "stamp");
    if (!jsonr_object_is(line, "serving_mode", "offline") &&
        !jsonr_object_is(line, "serving_mode", "online"))
        return damaged(where, str_from("serving_mode"), "neither offline nor online", e);
    if (stamp.kind != JSONR_STRING || !journal_check_stamp(jsonr_inner(stamp)))
        return damaged(where, str_from("stamp"), "not a time like 20261124_090000", e);
    return STATUS_OK;
}

enum status journal_check_line(struct jsonr_object *line, const char *type,
                               const char *where, struct err *e)
{
    forget_counts(line);
    if (check_numbers(line, where, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; i < LENGTH(needed); i++)
        if (strcmp(type, needed[i].type) == 0 &&
            check_needed(line, i, where, e) != STATUS_OK)
            return e->code;
    if (strcmp(type, "request") == 0)
        return check_request(line, where, e);
    if (strcmp(type, "clock") == 0)
        return check_clock(line, where, e);
    return STATUS_OK;
}
