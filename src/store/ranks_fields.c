#include "store/ranks_fields.h"

#include <math.h>
#include <string.h>

#include "stats/verdict.h"
#include "text/json.h"

#define TEXT_CAP_BYTES ((size_t)1 << 20)

/* What a server tells of itself is the same for all: rank 0's stands, as for every field
 * that is not in the table. */
enum merging {
    SUM,      /* each process counts its own */
    MOST,     /* of the worst process: a mean would hide it */
    MACHINES, /* of a machine: once for each, however many processes are on it */
    WORST,    /* both of the one rank that is busiest, which is named */
    COUNTS    /* an object of counts: added by key */
};

static const struct {
    enum field_id id;
    enum merging how;
} table[] = {
    {FIELD_requests_resent, SUM},     {FIELD_answers_unended, SUM},
    {FIELD_events_skipped, SUM},      {FIELD_requests_elsewhere, SUM},
    {FIELD_answered_by, COUNTS},      {FIELD_cpu_user_s, MACHINES},
    {FIELD_cpu_system_s, MACHINES},   {FIELD_clock_steps, MACHINES},
    {FIELD_steal_ratio, MOST},        {FIELD_throttled_s, MOST},
    {FIELD_client_cpu_ratio, MOST},   {FIELD_client_rss_mb, MOST},
    {FIELD_client_busy_share, WORST}, {FIELD_client_busy_windows, WORST},
    {FIELD_loop_lag_p99_s, MOST},     {FIELD_core_wait_mean_s, MOST},
    {FIELD_stamp_late_p99_ms, MOST},  {FIELD_drain_interval_us, MOST},
};

#define LENGTH(list) (sizeof list / sizeof list[0])

struct parts {
    const struct ranks_part *items;
    size_t count;
};

static struct value value_of(struct parts p, size_t i, enum field_id id)
{
    return p.items[i].repeat->fields.v[id];
}

/* Is there one before it on the same machine? */
static bool is_again(struct parts p, size_t i)
{
    const char *own = field_str(&p.items[i].run->fields, FIELD_client_machine_sha256);
    for (size_t k = 0; own != NULL && k < i; k++)
        if (field_is(&p.items[k].run->fields, FIELD_client_machine_sha256, own))
            return true;
    return false;
}

/* Of those who know it: a process that got no answer knows nothing of answers. Absent
 * where it is in none. */
static struct value add(struct parts p, enum field_id id, bool by_machine)
{
    struct value out = value_of(p, 0, id);
    double sum = 0;
    bool is_known = false;
    for (size_t i = 0; i < p.count; i++) {
        double own = value_as_num(value_of(p, i, id));
        if (isnan(own) || (by_machine && is_again(p, i)))
            continue;
        sum += own;
        is_known = true;
    }
    if (!is_known)
        return out;
    return field_table[id].kind == VALUE_INT ? value_int(llround(sum)) : value_num(sum);
}

static struct value most(struct parts p, enum field_id id)
{
    struct value best = value_of(p, 0, id);
    for (size_t i = 1; i < p.count; i++) {
        double own = value_as_num(value_of(p, i, id)), before = value_as_num(best);
        if (own > before || (isnan(before) && !isnan(own)))
            best = value_of(p, i, id);
    }
    return best;
}

/* {"a": 1} and {"a": 2, "b": 3} make {"a": 3, "b": 3}; unknown ones add nothing. */
static struct value counts(struct parts p, enum field_id id, struct arena *a)
{
    json_t *all = json_object();
    const char *key;
    json_t *count;
    for (size_t i = 0; i < p.count; i++) {
        const char *text = field_str(&p.items[i].repeat->fields, id);
        json_t *own = text != NULL ? json_parse(str_from(text)) : NULL;
        json_object_foreach(own, key, count)
        {
            json_int_t before = json_integer_value(json_object_get(all, key));
            json_int_t more = json_integer_value(count);
            if (more > 0 && before < RECORD_TOKENS_MAX && more < RECORD_TOKENS_MAX)
                (void)json_object_set_new(all, key, json_integer(before + more));
        }
        json_decref(own);
    }
    struct value out = value_of(p, 0, id);
    struct buf text;
    buf_init(&text, TEXT_CAP_BYTES);
    bool is_text = json_to_text(all, &text) == STATUS_OK;
    if (!is_text)
        a->has_failed = true;
    else if (json_object_size(all) > 0)
        out = value_json(arena_strdup(a, buf_cstr(&text)));
    buf_fini(&text);
    json_decref(all);
    return out;
}

/* As CLIENT_BUSY judges: a few windows say nothing of a rank. */
static size_t busiest(struct parts p)
{
    size_t best = 0;
    bool has_best = false;
    for (size_t i = 0; i < p.count; i++) {
        double share = value_as_num(value_of(p, i, FIELD_client_busy_share));
        double least = value_as_num(value_of(p, best, FIELD_client_busy_share));
        bool has = value_as_num(value_of(p, i, FIELD_client_busy_windows)) >=
                   VERDICT_BUSY_WINDOWS;
        if (has == has_best ? share > least || isnan(least) : has) {
            best = i;
            has_best = has;
        }
    }
    return best;
}

void ranks_fields_merge(const struct ranks_part *parts, size_t count, struct arena *a,
                        struct row *out)
{
    const struct parts p = {parts, count};
    size_t worst = busiest(p);
    *out = parts[0].repeat->fields;
    for (size_t i = 0; i < LENGTH(table); i++) {
        enum field_id id = table[i].id;
        switch (table[i].how) {
        case SUM: out->v[id] = add(p, id, false); break;
        case MACHINES: out->v[id] = add(p, id, true); break;
        case MOST: out->v[id] = most(p, id); break;
        case WORST: out->v[id] = value_of(p, worst, id); break;
        case COUNTS: out->v[id] = counts(p, id, a); break;
        }
    }
    if (value_is_known(out->v[FIELD_client_busy_share]))
        out->v[FIELD_client_busy_rank] = value_int(parts[worst].rank);
}
