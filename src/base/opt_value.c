#include "base/opt_value.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { TEXT_CAP = 1024 };

/* Every list of options is a pointer and a count, and an item is 8 bytes of any type. */
union slot {
    const char *text;
    int64_t whole;
    double number;
};

struct list {
    union slot *items;
    size_t count;
};

static struct list get_list(const void *field)
{
    struct list list;
    memcpy(&list, field, sizeof list);
    return list;
}

_Static_assert(sizeof(struct list) == sizeof(struct opt_strings) &&
                   sizeof(struct list) == sizeof(struct opt_ints) &&
                   sizeof(struct list) == sizeof(struct opt_doubles),
               "the three lists of opt.h differ in their items only");

bool opt_value_is_list(const struct opt *o)
{
    return o->type == OPT_STRING_LIST || o->type == OPT_INT_LIST ||
           o->type == OPT_DOUBLE_LIST || o->type == OPT_PAIRS;
}

void opt_value_clear(const struct opt *o, void *field)
{
    switch (o->type) {
    case OPT_FLAG: *(bool *)field = false; break;
    case OPT_INT:
    case OPT_DURATION: *(int64_t *)field = OPT_INT_UNSET; break;
    case OPT_DOUBLE: *(double *)field = NAN; break;
    case OPT_INT_LIST:
    case OPT_DOUBLE_LIST:
    case OPT_STRING_LIST:
    case OPT_PAIRS: memset(field, 0, sizeof(struct list)); break;
    case OPT_STRING:
    case OPT_CHOICE:
    case OPT_MAYBE: *(const char **)field = NULL; break;
    }
}

/* First word of the default, else the least value allowed, for "Write e.g. 3". */
static void example_of(const struct opt *o, char *out, size_t size)
{
    double number = o->min > 0 ? o->min : 1;
    if (o->fallback != NULL && o->fallback[0] != '\0')
        (void)snprintf(out, size, "%.*s", (int)strcspn(o->fallback, " ,"), o->fallback);
    else if (o->type == OPT_DURATION)
        (void)snprintf(out, size, "%gs", number);
    else if (o->max > 0 && number > o->max)
        (void)snprintf(out, size, "%g", o->max);
    else
        (void)snprintf(out, size, "%g", number);
}

static enum status not_a(const struct opt_value_job *job, const char *word,
                         const char *kind)
{
    char example[64];
    example_of(job->opt, example, sizeof example);
    (void)status_fail(job->e, STATUS_BAD_OPTION, job->where, "\"%.200s\" is not %s",
                      job->opt->is_secret ? "***" : word, kind);
    return status_hint(job->e, "Write e.g. %s", example);
}

static enum status check_range(const struct opt_value_job *job, const char *word,
                               double value)
{
    const struct opt *o = job->opt;
    bool has_range = o->min != 0 || o->max != 0;
    bool fits = has_range ? value >= o->min && value <= o->max : isfinite(value);
    if (fits)
        return STATUS_OK;
    struct buf range;
    buf_init(&range, TEXT_CAP);
    (void)opt_value_range(o, &range);
    (void)status_fail(job->e, STATUS_BAD_OPTION, job->where, "%.200s is out of range",
                      word);
    if (range.len > 0)
        (void)status_hint(job->e, "Write %s%s%s", buf_cstr(&range),
                          o->range_note != NULL ? ": " : "",
                          o->range_note != NULL ? o->range_note : "");
    else
        (void)status_hint(job->e, "Write a finite number");
    buf_fini(&range);
    return STATUS_BAD_OPTION;
}

/* What a number's word is in its own terms and in those of its range. */
static enum status read_number(const struct opt_value_job *job, const char *word,
                               void *slot)
{
    struct str text = str_from(word);
    int64_t whole = 0;
    double number = 0;
    switch (job->opt->type) {
    case OPT_DURATION:
        if (!str_to_span_ns(text, &whole))
            return not_a(job, word, "a time with its unit (ns, us, ms, s, min, h)");
        number = (double)whole / 1e9;
        break;
    case OPT_DOUBLE:
    case OPT_DOUBLE_LIST:
        if (!str_to_double(text, &number))
            return not_a(job, word, "a number");
        break;
    default:
        if (!str_to_i64(text, &whole))
            return not_a(job, word, "a whole number");
        number = (double)whole;
    }
    if (check_range(job, word, number) != STATUS_OK)
        return STATUS_BAD_OPTION;
    if (job->opt->type == OPT_DOUBLE || job->opt->type == OPT_DOUBLE_LIST)
        *(double *)slot = number;
    else
        *(int64_t *)slot = whole;
    return STATUS_OK;
}

static enum status read_flag(const struct opt_value_job *job, const char *word, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"yes", true}, {"no", false},
                 {"on", true},   {"off", false},   {"1", true},   {"0", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(word, words[i].word) == 0) {
            *out = words[i].value;
            return STATUS_OK;
        }
    (void)status_fail(job->e, STATUS_BAD_OPTION, job->where,
                      "\"%.200s\" is neither true nor false", word);
    return status_hint(job->e, "Write true or false");
}

static bool is_choice(const char *choices, const char *word)
{
    struct str rest = str_from(choices);
    while (rest.len > 0)
        if (str_is(str_cut(&rest, '|'), word))
            return true;
    return false;
}

const char *opt_value_nearest(const char *choices, const char *word, size_t *len)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2;
    struct str rest = str_from(choices);
    while (rest.len > 0) {
        struct str choice = str_cut(&rest, '|');
        char text[64];
        (void)snprintf(text, sizeof text, "%.*s", (int)choice.len, choice.ptr);
        size_t distance = str_distance(text, word);
        if (distance < best_distance && distance < choice.len) {
            best_distance = distance;
            best = choice.ptr;
            *len = choice.len;
        }
    }
    return best;
}

static enum status check_choice(const struct opt_value_job *job, const char *word)
{
    const char *choices = job->opt->choices;
    if (choices == NULL || is_choice(choices, word))
        return STATUS_OK;
    struct buf list;
    buf_init(&list, TEXT_CAP);
    for (struct str rest = str_from(choices); rest.len > 0;) {
        struct str choice = str_cut(&rest, '|');
        (void)buf_append(&list, choice.ptr, choice.len);
        (void)buf_text(&list, rest.len > 0 ? ", " : "");
    }
    (void)status_fail(job->e, STATUS_BAD_OPTION, job->where,
                      "\"%.100s\" is not one of %s", word, buf_cstr(&list));
    buf_fini(&list);
    size_t len = 0;
    const char *near = opt_value_nearest(choices, word, &len);
    if (near != NULL)
        (void)status_hint(job->e, "Did you mean %.*s?", (int)len, near);
    return STATUS_BAD_OPTION;
}

static enum status read_text(const struct opt_value_job *job, const char *word,
                             const char **out)
{
    enum status status = check_choice(job, word);
    if (status != STATUS_OK)
        return status;
    const char *copy = arena_strdup(job->arena, word);
    if (copy == NULL)
        return status_no_memory(job->e, job->where);
    *out = copy;
    return STATUS_OK;
}

static enum status read_pair(const struct opt_value_job *job, const char *word,
                             const char **out)
{
    const char *equals = strchr(word, '=');
    if (equals != NULL && equals > word)
        return read_text(job, word, out);
    (void)status_fail(job->e, STATUS_BAD_OPTION, job->where,
                      "\"%.200s\" is not key=value", job->opt->is_secret ? "***" : word);
    return status_hint(job->e, "Write %s",
                       job->opt->value_name != NULL ? job->opt->value_name : "key=value");
}

static enum status read_item(const struct opt_value_job *job, const char *word,
                             void *slot)
{
    switch (job->opt->type) {
    case OPT_FLAG: return read_flag(job, word, slot);
    case OPT_INT:
    case OPT_INT_LIST:
    case OPT_DOUBLE:
    case OPT_DOUBLE_LIST:
    case OPT_DURATION: return read_number(job, word, slot);
    case OPT_PAIRS: return read_pair(job, word, slot);
    default: return read_text(job, word, slot);
    }
}

/* Adds the items of a word to a list that has room for them. */
static enum status add_items(const struct opt_value_job *job, const char *word,
                             struct list *to)
{
    bool splits = job->opt->type != OPT_PAIRS;
    size_t before = to->count;
    struct str rest = str_from(word);
    while (rest.len > 0) {
        struct str item = splits ? str_trim(str_cut(&rest, ',')) : rest;
        if (!splits)
            rest.len = 0;
        if (item.len == 0)
            continue;
        char *text = arena_str(job->arena, item);
        if (text == NULL)
            return status_no_memory(job->e, job->where);
        enum status status = read_item(job, text, &to->items[to->count]);
        if (status != STATUS_OK)
            return status;
        to->count++;
    }
    return to->count > before ? STATUS_OK : not_a(job, word, "a value");
}

/* The new items come behind the old ones, in a new array of the arena. */
static enum status store_list(const struct opt_value_job *job,
                              const struct opt_strings *words)
{
    const struct list old = get_list(job->field);
    size_t most = old.count;
    for (size_t i = 0; i < words->count; i++)
        most += strlen(words->items[i]) / 2 + 1; /* "1,2,3" holds three */
    struct list all = {.items = arena_alloc(job->arena, most, sizeof *all.items),
                       .count = old.count};
    if (all.items == NULL)
        return status_no_memory(job->e, job->where);
    if (old.count > 0)
        memcpy(all.items, old.items, old.count * sizeof *all.items);
    for (size_t i = 0; i < words->count; i++) {
        enum status status = add_items(job, words->items[i], &all);
        if (status != STATUS_OK)
            return status;
    }
    memcpy(job->field, &all, sizeof all);
    return STATUS_OK;
}

enum status opt_value_store(const struct opt_value_job *job,
                            const struct opt_strings *words)
{
    if (opt_value_is_list(job->opt))
        return store_list(job, words);
    if (words->count == 1)
        return read_item(job, words->items[0], job->field);
    if (words->count == 0)
        return status_fail(job->e, STATUS_BAD_OPTION, job->where, "needs a value");
    return status_fail(job->e, STATUS_BAD_OPTION, job->where, "takes one value, not %zu",
                       words->count);
}

enum status opt_value_number(double value, struct buf *out)
{
    char text[32] = "";
    int digits = 15;
    if (isinf(value))
        return buf_text(out, value > 0 ? "inf" : "-inf");
    do
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
    while (strtod(text, NULL) != value && ++digits <= 17);
    return buf_text(out, text);
}

enum status opt_value_span(int64_t ns, struct buf *out)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
    size_t i = 0;
    while (ns % units[i].ns != 0)
        i++;
    return buf_printf(out, "%lld%s", (long long)(ns / units[i].ns), units[i].unit);
}

static enum status list_text(const struct opt *o, const void *field, struct buf *out)
{
    const struct list list = get_list(field);
    for (size_t i = 0; i < list.count; i++) {
        (void)buf_text(out, i > 0 ? " " : "");
        if (o->type == OPT_INT_LIST)
            (void)buf_printf(out, "%lld", (long long)list.items[i].whole);
        else if (o->type == OPT_DOUBLE_LIST)
            (void)opt_value_number(list.items[i].number, out);
        else
            (void)buf_text(out, list.items[i].text);
    }
    return out->failed;
}

static enum status whole_text(const struct opt *o, int64_t whole, struct buf *out)
{
    if (whole == OPT_INT_UNSET)
        return out->failed;
    return o->type == OPT_DURATION ? opt_value_span(whole, out)
                                   : buf_printf(out, "%lld", (long long)whole);
}

static enum status plain_text(const struct opt *o, const void *field, struct buf *out)
{
    double number = 0;
    const char *text = NULL;
    switch (o->type) {
    case OPT_FLAG: return buf_text(out, *(const bool *)field ? "true" : "false");
    case OPT_INT:
    case OPT_DURATION: return whole_text(o, *(const int64_t *)field, out);
    case OPT_DOUBLE:
        number = *(const double *)field;
        return isnan(number) ? out->failed : opt_value_number(number, out);
    case OPT_STRING:
    case OPT_CHOICE:
    case OPT_MAYBE:
        text = *(const char *const *)field;
        return text == NULL ? out->failed : buf_text(out, text);
    default: return list_text(o, field, out);
    }
}

enum status opt_value_text(const struct opt *o, const void *field, struct buf *out)
{
    size_t before = out->len;
    enum status status = plain_text(o, field, out);
    if (status != STATUS_OK || !o->is_secret || out->len == before)
        return status;
    memset(out->data + before, 'x', out->len - before);
    out->len = before;
    return buf_text(out, "***");
}

static enum status write_bound(const struct opt *o, double bound, struct buf *out)
{
    if (o->type == OPT_DURATION)
        return opt_value_span((int64_t)(bound * 1e9), out);
    return opt_value_number(bound, out);
}

enum status opt_value_range(const struct opt *o, struct buf *out)
{
    if (o->min == 0 && o->max == 0)
        return out->failed;
    (void)write_bound(o, o->min, out);
    if (o->max >= 1e9) /* as good as no limit */
        return buf_text(out, " or more");
    (void)buf_text(out, " to ");
    return write_bound(o, o->max, out);
}
