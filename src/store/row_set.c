#include "store/row_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/xxh64.h"
#include "store/decode.h"

#define DATE_CHARS 10 /* "2026-01-01" */
#define MS_CHARS   23 /* "2026-01-01T10:00:00.123" */

struct row_set_entry {
    struct row_set_key key; /* both 0: free */
    uint64_t content;
};

static struct row_set_key hash_pair(struct str first, struct str second)
{
    return (struct row_set_key){.high = xxh64(second, xxh64(first, 1)),
                                .low = xxh64(second, xxh64(first, 2))};
}

/* A sum, so that the order of the fields does not matter. */
struct row_set_key row_set_content(const struct scanned_row *row,
                                   const char *instance_type)
{
    struct row_set_key sum = {0};
    for (size_t i = 0; i < row->members.count; i++) {
        const struct jsonr_pair *m = &row->members.pairs[i];
        if (instance_type != NULL && str_is(m->key, "instance_type"))
            continue;
        struct row_set_key k = hash_pair(m->key, m->value.text);
        sum.high += k.high;
        sum.low += k.low;
    }
    char quoted[256];
    if (instance_type != NULL) {
        snprintf(quoted, sizeof quoted, "\"%.250s\"", instance_type);
        struct row_set_key k = hash_pair(str_from("instance_type"), str_from(quoted));
        sum.high += k.high;
        sum.low += k.low;
    }
    return sum;
}

bool row_set_is_published(const struct scanned_row *row)
{
    const struct jsonr_pair *run = jsonr_object_find(&row->members, "run_id");
    return run == NULL || run->value.kind != JSONR_STRING;
}

/* "2026-01-01 10:00:00.120000" and "2026-01-01T10:00:00.12" are one time; pandas keeps
 * milliseconds. */
static struct str plain_time(const char *text, char out[MS_CHARS + 1])
{
    snprintf(out, MS_CHARS + 1, "%s", text);
    size_t len = strlen(out);
    if (len > DATE_CHARS && out[DATE_CHARS] == ' ')
        out[DATE_CHARS] = 'T';
    if (strchr(out, '.') != NULL) {
        while (out[len - 1] == '0')
            len--;
        len -= out[len - 1] == '.';
    }
    return (struct str){.ptr = out, .len = len};
}

/* Empty: the value is not known, or none that every program writes alike. */
static struct str plain_value(enum field_id id, struct value v, char *out, size_t room)
{
    if (v.kind == VALUE_STR)
        return id == FIELD_timestamp ? plain_time(v.s, out) : str_from(v.s);
    if (v.kind == VALUE_BOOL)
        return str_from(v.b ? "true" : "false");
    if (v.kind == VALUE_INT && field_table[id].kind == VALUE_INT)
        snprintf(out, room, "%" PRId64, v.i);
    else if (v.kind == VALUE_INT || v.kind == VALUE_NUM)
        snprintf(out, room, "%.5e", value_as_num(v)); /* notebooks round */
    else
        return str_from("");
    return str_from(out);
}

static struct row_set_key identity_of_published(const struct row *row)
{
    struct row_set_key sum = {0};
    for (int f = 0; f < FIELD_COUNT; f++) {
        char text[MS_CHARS + 1];
        enum field_id id = (enum field_id)f;
        struct str value = plain_value(id, row->v[f], text, sizeof text);
        if (value.len == 0)
            continue;
        struct row_set_key k = hash_pair(str_from(field_table[f].name), value);
        sum.high += k.high;
        sum.low += k.low;
    }
    return sum;
}

struct row_set_key row_set_identity(const struct scanned_row *row,
                                    const struct row *decoded, const char *instance_type)
{
    const struct jsonr_pair *run = jsonr_object_find(&row->members, "run_id");
    const struct jsonr_pair *index = jsonr_object_find(&row->members, "row");
    int64_t number;
    if (row_set_is_published(row))
        return decoded != NULL && field_str(decoded, FIELD_timestamp) != NULL
                   ? identity_of_published(decoded)
                   : row_set_content(row, instance_type);
    if (index == NULL || !coerce_row_number(index->value, &number))
        return row_set_content(row, instance_type);
    char whole[32];
    snprintf(whole, sizeof whole, "%" PRId64, number);
    return hash_pair(run->value.text, str_from(whole));
}

void row_set_init(struct row_set *s)
{
    *s = (struct row_set){.slots = NULL, .count = 0, .room = 0};
}

static struct row_set_entry *find(const struct row_set *s, struct row_set_key key)
{
    size_t at = (size_t)key.low & (s->room - 1);
    while ((s->slots[at].key.high | s->slots[at].key.low) != 0 &&
           (s->slots[at].key.high != key.high || s->slots[at].key.low != key.low))
        at = (at + 1) & (s->room - 1);
    return &s->slots[at];
}

static enum status grow(struct row_set *s)
{
    struct row_set bigger = {.count = s->count,
                             .room = s->room == 0 ? 1024 : s->room * 2};
    bigger.slots = mem_alloc(bigger.room, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < s->room; i++)
        if ((s->slots[i].key.high | s->slots[i].key.low) != 0)
            *find(&bigger, s->slots[i].key) = s->slots[i];
    mem_free(s->slots);
    *s = bigger;
    return STATUS_OK;
}

/* Zero marks a free slot. */
static struct row_set_key nonzero(struct row_set_key key)
{
    key.low |= (key.high | key.low) == 0;
    return key;
}

bool row_set_find(const struct row_set *s, struct row_set_key key, uint64_t *content)
{
    const struct row_set_entry *entry = s->room > 0 ? find(s, nonzero(key)) : NULL;
    if (entry == NULL || (entry->key.high | entry->key.low) == 0)
        return false;
    *content = entry->content;
    return true;
}

enum status row_set_add(struct row_set *s, struct row_set_key key, uint64_t content,
                        bool *is_new, bool *is_equal)
{
    if (2 * s->count >= s->room && grow(s) != STATUS_OK)
        return STATUS_NO_MEMORY;
    struct row_set_entry *entry = find(s, nonzero(key));
    *is_new = (entry->key.high | entry->key.low) == 0;
    *is_equal = !*is_new && entry->content == content;
    if (*is_new) {
        *entry = (struct row_set_entry){.key = nonzero(key), .content = content};
        s->count++;
    }
    return STATUS_OK;
}

bool row_set_has(const struct row_set *s, struct row_set_key key)
{
    uint64_t ignored;
    return row_set_find(s, key, &ignored);
}

void row_set_fini(struct row_set *s)
{
    mem_free(s->slots);
    row_set_init(s);
}
