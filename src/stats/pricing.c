#include "stats/pricing.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "stats/match_field.h"
#include "stats/metric.h"

#define NAMES_SHOWN 8
#define NAME_BYTES  64

/* True if a price of this name is one of the row. */
static bool is_name_of(struct str name, const struct row *row)
{
    return str_equal(name, str_from(field_str(row, FIELD_label))) ||
           str_equal(name, str_from(field_str(row, FIELD_instance_type)));
}

/* USD an hour that the user names for this row; NAN if none. */
static double named_price(const struct row *row, const struct opt_strings *prices)
{
    double price = NAN;
    for (size_t i = 0; i < prices->count; i++) {
        struct str value = str_from(prices->items[i]);
        bool is_named = memchr(value.ptr, '=', value.len) != NULL;
        struct str name = is_named ? str_cut(&value, '=') : str_from(NULL);
        bool is_mine = !is_named || is_name_of(name, row);
        if (is_mine && (is_named || isnan(price)))
            (void)str_to_double(value, &price);
    }
    return price;
}

/* Versions before this one took us-east-1 where they did not know the region, and said
 * so at the end of the source. */
static bool is_guessed(const struct row *row)
{
    const char *source = field_str(row, FIELD_price_source);
    return source != NULL && strstr(source, "(region not known)") != NULL;
}

/* Rows of older versions lack the cost of all tokens. */
static void add_whole_cost(struct row *row)
{
    struct metric_costs costs;
    metric_costs(row, &costs);
    if (!value_is_known(row->v[FIELD_usd_per_million_tokens]))
        row->v[FIELD_usd_per_million_tokens] = value_num(costs.all_usd);
}

static void price_row(struct analysis_row *r, const struct opt_strings *named,
                      const struct price *listed)
{
    struct row *row = r->row;
    struct price p = {.usd_per_hour = named_price(row, named),
                      .source = "--price-per-hour"};
    struct metric_costs costs;
    bool is_kept = value_is_known(row->v[FIELD_price_usd_per_hour]) && !is_guessed(row);
    r->no_price = NULL;
    if (isnan(p.usd_per_hour) && is_kept && !listed->is_own) {
        add_whole_cost(row);
        return;
    }
    if (isnan(p.usd_per_hour))
        p = *listed;
    if (isnan(p.usd_per_hour))
        r->no_price = p.why;
    if (isnan(p.usd_per_hour) && !is_guessed(row))
        return;
    row->v[FIELD_price_usd_per_hour] = value_num(p.usd_per_hour);
    row->v[FIELD_price_source] = value_str(p.source);
    metric_costs(row, &costs);
    row->v[FIELD_usd_per_million_output_tokens] = value_num(costs.output_usd);
    row->v[FIELD_usd_per_million_tokens] = value_num(costs.all_usd);
}

void pricing_apply(const struct analysis_rows *rows, const struct opt_strings *named,
                   const struct price *listed)
{
    for (size_t i = 0; i < rows->count; i++)
        price_row(&rows->items[i], named, &listed[i]);
}

/* --- names of no row --- */

/* Names that rows have, each once; the first few. */
struct names {
    const char *items[NAMES_SHOWN];
    size_t count; /* NAMES_SHOWN + 1: there are more */
};

static void take_name(struct names *n, const struct row *row, enum field_id id)
{
    size_t known = n->count < NAMES_SHOWN ? n->count : NAMES_SHOWN, k = 0;
    const char *name = match_field_name(row, id);
    if (match_field_is_nameless(row, id))
        return;
    while (k < known && strcmp(n->items[k], name) != 0)
        k++;
    if (k < known)
        return;
    if (k < NAMES_SHOWN)
        n->items[k] = name;
    n->count = k + 1;
}

/* "g5.xlarge, inf2.xlarge" */
static const char *names_of(const struct analysis_rows *c, struct arena *a)
{
    struct names n = {.count = 0};
    const char *text = "";
    for (size_t i = 0; i < c->count; i++) {
        take_name(&n, c->items[i].row, FIELD_label);
        take_name(&n, c->items[i].row, FIELD_instance_type);
    }
    for (size_t i = 0; i < n.count && i < NAMES_SHOWN; i++) {
        char name[NAME_BYTES];
        match_field_cut(n.items[i], name, sizeof name);
        text = arena_text(a, "%s%s%s", text, i > 0 ? ", " : "", name);
    }
    return n.count <= NAMES_SHOWN ? text : arena_text(a, "%s, ...", text);
}

static bool is_used(const struct analysis_rows *c, struct str name)
{
    for (size_t i = 0; i < c->count; i++)
        if (is_name_of(name, c->items[i].row))
            return true;
    return false;
}

enum status pricing_unused(const struct analysis_rows *c,
                           const struct opt_strings *prices, struct arena *a,
                           const char ***out, size_t *count)
{
    const char **lines = arena_alloc(a, prices->count + 1, sizeof *lines);
    const char *names = prices->count > 0 ? names_of(c, a) : "";
    size_t n = 0;
    if (lines == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < prices->count; i++) {
        struct str rest = str_from(prices->items[i]);
        bool is_named = memchr(rest.ptr, '=', rest.len) != NULL;
        if (!is_named || is_used(c, str_cut(&rest, '=')))
            continue;
        lines[n++] = arena_text(
            a, "--price-per-hour %s: no row has this label or instance type%s%s",
            prices->items[i], *names != '\0' ? ". There are: " : "", names);
    }
    *out = lines;
    *count = n;
    return a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status pricing_check(const struct opt_strings *prices, struct err *e)
{
    for (size_t i = 0; i < prices->count; i++) {
        struct str value = str_from(prices->items[i]);
        double price;
        if (memchr(value.ptr, '=', value.len) != NULL)
            (void)str_cut(&value, '=');
        if (str_to_double(value, &price) && price > 0 && isfinite(price))
            continue;
        status_fail(e, STATUS_BAD_OPTION, "--price-per-hour", "\"%s\" is not a price",
                    prices->items[i]);
        return status_hint(e,
                           "Write USD, e.g. 1.006, or NAME=USD, e.g. g5.xlarge=1.006.");
    }
    return STATUS_OK;
}
