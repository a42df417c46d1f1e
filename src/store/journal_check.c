#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/record.h"
#include "store/journal_line.h"
#include "text/json.h"

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

static enum status damaged(const char *where, const char *key, const char *what,
                           struct err *e)
{
    return status_fail(e, STATUS_BAD_INPUT, where, "%.40s: %s", key, what);
}

static bool is_whole(const json_t *v, double least, double most)
{
    double n = json_is_number(v) ? json_number_value(v) : NAN;
    return n >= least && n <= most && n == floor(n);
}

/* A whole number, or a list of them with a sum, that can be. */
static bool are_whole(const json_t *v, double least, double most)
{
    double sum = 0;
    if (!json_is_array(v))
        return is_whole(v, least, most);
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        if (!is_whole(item, least, most))
            return false;
        sum += fabs(json_number_value(item));
    }
    return sum <= most;
}

/* --- counts of a server */

static void forget_counts(json_t *line)
{
    for (size_t i = 0; i < LENGTH(counts); i++) {
        const json_t *v = json_object_get(line, counts[i]);
        if (v == NULL || json_is_null(v) || are_whole(v, TOKENS_UNKNOWN, MOST_COUNT))
            continue;
        if (json_is_array(v) ||
            json_object_set_new(line, counts[i], json_integer(TOKENS_UNKNOWN)) != 0)
            json_object_del(line, counts[i]);
    }
}

/* --- our own numbers */

static bool is_time(const char *key)
{
    size_t len = strlen(key);
    return len > 3 && strcmp(key + len - 3, "_ns") == 0;
}

static bool is_possible(const char *key, const json_t *v)
{
    if (is_time(key)) {
        bool is_clock = strcmp(key, "start_wall_ns") == 0 ||
                        strcmp(key, "start_monotonic_ns") == 0;
        double most = is_clock ? MOST_CLOCK_NS : MOST_NS;
        return json_is_null(v) || are_whole(v, -most, most);
    }
    for (size_t i = 0; i < json_array_size(v); i++)
        if (fabs(json_number_value(json_array_get(v, i))) > MOST_COUNT)
            return false;
    return strcmp(key, "seed") == 0 || fabs(json_number_value(v)) <= MOST_COUNT;
}

static enum status check_numbers(json_t *line, const char *where, struct err *e)
{
    const char *key;
    json_t *v;
    json_object_foreach(line, key, v)
    {
        if (!is_possible(key, v))
            return damaged(where, key, "a number that cannot be", e);
    }
    return STATUS_OK;
}

/* Of the events of a class, where nobody kept them. */
static enum status check_classes(const json_t *line, const char *where, struct err *e)
{
    enum status s = STATUS_OK;
    for (int i = 0; s == STATUS_OK && i < EVENT_CLASS_COUNT; i++) {
        json_t *of = json_object_get(line, record_class_name((enum event_class)i));
        s = json_is_object(of) ? check_numbers(of, where, e) : STATUS_OK;
    }
    return s;
}

/* --- members */

/* Those that number something are int32_t in memory. */
static bool is_number_there(const json_t *line, const char *key)
{
    bool is_amount = strcmp(key, "planned") == 0 || strcmp(key, "max_tokens") == 0;
    return is_whole(json_object_get(line, key), 0,
                    is_amount ? MOST_COUNT : (double)INT32_MAX);
}

static enum status check_needed(const json_t *line, size_t kind, const char *where,
                                struct err *e)
{
    const char *const *numbers = needed[kind].numbers, *object = needed[kind].object;
    for (size_t i = 0; i < NUMBERS_MAX && numbers[i] != NULL; i++)
        if (!is_number_there(line, numbers[i]))
            return damaged(where, numbers[i], "missing, or no number that can be", e);
    if (object != NULL && !json_is_object(json_object_get(line, object)))
        return damaged(where, object, "missing, or no object", e);
    return STATUS_OK;
}

static enum status check_request(const json_t *line, const char *where, struct err *e)
{
    enum record_status ignored;
    if (journal_line_status_find(json_str_of(line, "status"), &ignored))
        return check_classes(line, where, e);
    return damaged(where, "status", "missing, or unknown", e);
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

bool journal_check_stamp(const char *text)
{
    enum { DATE = 8, TIME = 6, NUMBER_MAX = 4 };
    if (digits(text) != DATE || text[DATE] != '_' || digits(text + DATE + 1) != TIME)
        return false;
    const char *rest = text + DATE + 1 + TIME;
    if (*rest != '-')
        return *rest == '\0';
    size_t len = digits(rest + 1);
    return len > 0 && len <= NUMBER_MAX && rest[1 + len] == '\0';
}

enum status journal_check_run(const json_t *line, const char *where, struct err *e)
{
    const char *stamp = json_str_of(line, "stamp");
    if (!json_str_is(line, "serving_mode", "offline") &&
        !json_str_is(line, "serving_mode", "online"))
        return damaged(where, "serving_mode", "neither offline nor online", e);
    if (stamp == NULL || !journal_check_stamp(stamp))
        return damaged(where, "stamp", "not a time like 20261124_090000", e);
    return STATUS_OK;
}

enum status journal_check_line(json_t *line, const char *type, const char *where,
                               struct err *e)
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
    return STATUS_OK;
}
