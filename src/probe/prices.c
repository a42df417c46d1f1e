#include "probe/prices.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "text/yaml.h"

#define BUILT_IN     "prices.yaml"
#define MOST_ENTRIES 2000
#define MOST_USD     1e6
#define NAME_BYTES   64
#define TEXT_BYTES   160
#define S_PER_DAY    86400

struct price_entry {
    const char *type, *region; /* region NULL: everywhere */
    double usd;
    const char *kind, *collected, *file; /* file NULL: built in */
    bool is_old;
};

struct reader {
    struct price_list *out;
    struct price_entry *entries;
    size_t room;
    struct arena *arena;
    const char *file;
    bool is_own;
    struct err *e;
};

/* One list of a file, until its entries are made. */
struct block {
    const char *kind, *collected;
    const struct yaml_node *regions, *prices;
    bool is_old;
};

static enum status refuse(struct reader *r, int line, const char *what, const char *value)
{
    const char *where = arena_text(r->arena, "%s:%d", r->file, line);
    status_fail(r->e, STATUS_BAD_INPUT, where, "%s%s%.*s%s", what,
                value != NULL ? " \"" : "", NAME_BYTES, value != NULL ? value : "",
                value != NULL ? "\"" : "");
    (void)status_hint(r->e, "See \"Prices\" in docs/environment.md for the form.");
    return STATUS_BAD_INPUT;
}

/* Some printable characters, no more than that. */
static bool is_text(const struct yaml_node *n, size_t most)
{
    if (n == NULL || n->text == NULL || n->is_null || *n->text == '\0')
        return false;
    for (const char *p = n->text; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p))
            return false;
    return strlen(n->text) < most;
}

static bool digits_at(const char *p, size_t count, int *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)p[i]))
            return false;
        *out = *out * 10 + (p[i] - '0');
    }
    return true;
}

/* Days from 1970-01-01 in the Gregorian calendar, years counted from March; month 13 is
 * the next January. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = year + (month > 12) - (month <= 2 || month > 12), m = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* "2026-11" has day 0. */
static bool read_date(const char *text, int *year, int *month, int *day)
{
    size_t len = strlen(text);
    *day = 0;
    if (len != 7 && len != 10)
        return false;
    if (len == 10 && (text[7] != '-' || !digits_at(text + 8, 2, day) || *day == 0))
        return false;
    return digits_at(text, 4, year) && text[4] == '-' && digits_at(text + 5, 2, month);
}

/* Days from 1970-01-01 to it; of a month, to its last day. */
static bool day_of(const char *text, int64_t *out)
{
    int year, month, day;
    if (!read_date(text, &year, &month, &day) || year < 1970 || month < 1 || month > 12)
        return false;
    int64_t first = days_of(year, month, 1), end = days_of(year, month + 1, 1);
    *out = day == 0 ? end - 1 : first + day - 1;
    return *out < end;
}

static bool is_among(const char *key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, names[i]) == 0)
            return true;
    return false;
}

static enum status check_keys(struct reader *r, const struct yaml_node *map,
                              const char *const *names, size_t count)
{
    if (map->kind != YAML_MAP)
        return refuse(r, map->line, "a map was expected here", NULL);
    for (const struct yaml_node *n = map->first; n != NULL; n = n->next)
        if (!is_among(n->key, names, count))
            return refuse(r, n->line, "unknown key", n->key);
    return STATUS_OK;
}

static enum status read_heads(struct reader *r, const struct yaml_node *list,
                              struct block *out)
{
    static const char *const keys[] = {"kind", "collected", "source", "regions",
                                       "prices"};
    static const char *const kinds[] = {"on demand", "spot", "reserved", "savings plan"};
    int64_t day;
    if (check_keys(r, list, keys, sizeof keys / sizeof *keys) != STATUS_OK)
        return r->e->code;
    const struct yaml_node *kind = yaml_get(list, "kind"),
                           *collected = yaml_get(list, "collected");
    if (!is_text(kind, NAME_BYTES) ||
        !is_among(kind->text, kinds, sizeof kinds / sizeof *kinds))
        return refuse(r, kind != NULL ? kind->line : list->line,
                      "kind must be on demand, spot, reserved or savings plan", NULL);
    if (!is_text(collected, NAME_BYTES) || !day_of(collected->text, &day))
        return refuse(r, collected != NULL ? collected->line : list->line,
                      "collected must be a date such as 2026-11-24 or 2026-11", NULL);
    if (!is_text(yaml_get(list, "source"), TEXT_BYTES))
        return refuse(r, list->line, "source must say where the prices come from", NULL);
    *out = (struct block){.kind = kind->text,
                          .collected = collected->text,
                          .regions = yaml_get(list, "regions"),
                          .prices = yaml_get(list, "prices"),
                          .is_old = r->out->now.ns / NS_PER_S / S_PER_DAY - day >
                                    PRICES_OLD_DAYS};
    return STATUS_OK;
}

static bool is_region(const struct yaml_node *n)
{
    return is_text(n, NAME_BYTES) &&
           strspn(n->text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(n->text);
}

static bool read_usd(const struct yaml_node *n, double *out)
{
    return n->text != NULL && str_to_double(str_from(n->text), out) && *out > 0 &&
           *out <= MOST_USD;
}

static bool is_second(const struct reader *r, const struct price_entry *new)
{
    for (size_t i = 0; r->entries != NULL && i < r->out->count; i++) {
        const struct price_entry *p = &r->entries[i];
        if (str_same(p->file, new->file) && strcmp(p->type, new->type) == 0 &&
            str_same(p->region, new->region))
            return true;
    }
    return false;
}

static enum status add(struct reader *r, const struct price_entry *new)
{
    struct price_list *l = r->out;
    if (!arena_grow(r->arena, &r->entries, l->count, &r->room, sizeof *r->entries))
        return status_no_memory(r->e, r->file);
    r->entries[l->count++] = *new;
    return STATUS_OK;
}

static enum status read_price(struct reader *r, const struct block *b,
                              const struct yaml_node *price,
                              const struct yaml_node *region)
{
    struct price_entry new = {.type = price->key,
                              .region = region != NULL ? region->text : NULL,
                              .kind = b->kind,
                              .collected = b->collected,
                              .file = r->is_own ? r->file : NULL,
                              .is_old = b->is_old};
    if (region != NULL && !is_region(region))
        return refuse(r, region->line, "regions must be names such as us-east-1", NULL);
    if (price->key[0] == '\0' || strlen(price->key) >= NAME_BYTES)
        return refuse(r, price->line, "no instance type", price->key);
    if (!read_usd(price, &new.usd))
        return refuse(r, price->line, "no price above 0 is given for", price->key);
    if (is_second(r, &new))
        return refuse(r, price->line, "a second price of one region for", price->key);
    if (r->out->count == MOST_ENTRIES)
        return refuse(r, price->line, "more than 2000 prices", NULL);
    return add(r, &new);
}

static enum status check_shapes(struct reader *r, const struct yaml_node *list,
                                const struct block *b)
{
    if (b->prices == NULL || b->prices->kind != YAML_MAP || b->prices->first == NULL)
        return refuse(r, list->line, "prices must be a map of types and USD", NULL);
    if (b->regions != NULL &&
        (b->regions->kind != YAML_LIST || b->regions->first == NULL))
        return refuse(r, b->regions->line, "regions must be a list", NULL);
    return STATUS_OK;
}

static enum status read_list(struct reader *r, const struct yaml_node *list)
{
    struct block b = {0};
    if (read_heads(r, list, &b) != STATUS_OK || check_shapes(r, list, &b) != STATUS_OK)
        return r->e->code;
    for (const struct yaml_node *p = b.prices->first; p != NULL; p = p->next) {
        const struct yaml_node *region = b.regions != NULL ? b.regions->first : NULL;
        do {
            if (read_price(r, &b, p, region) != STATUS_OK)
                return r->e->code;
            region = region != NULL ? region->next : NULL;
        } while (region != NULL);
    }
    return STATUS_OK;
}

static enum status read_lists(struct reader *r, const struct yaml_node *top)
{
    static const char *const keys[] = {"currency", "lists"};
    if (check_keys(r, top, keys, sizeof keys / sizeof *keys) != STATUS_OK)
        return r->e->code;
    const struct yaml_node *currency = yaml_get(top, "currency"),
                           *lists = yaml_get(top, "lists");
    if (currency == NULL || currency->text == NULL || strcmp(currency->text, "USD") != 0)
        return refuse(r, currency != NULL ? currency->line : top->line,
                      "currency must be USD", NULL);
    if (lists == NULL || lists->kind != YAML_LIST || lists->first == NULL)
        return refuse(r, top->line, "lists must be a list of price lists", NULL);
    for (const struct yaml_node *n = lists->first; n != NULL; n = n->next)
        if (read_list(r, n) != STATUS_OK)
            return r->e->code;
    return STATUS_OK;
}

enum status prices_open(const char *own_file, struct wall now, struct arena *a,
                        struct price_list *out, struct err *e)
{
    struct str built_in = {(const char *)embed_prices_yaml, embed_prices_yaml_size};
    struct reader r = {.out = out, .arena = a, .file = own_file, .is_own = true, .e = e};
    struct yaml_node *top;
    *out = (struct price_list){.now = now, .own_file = own_file};
    if (own_file != NULL && (yaml_from_file(own_file, a, &top, e) != STATUS_OK ||
                             read_lists(&r, top) != STATUS_OK))
        return e->code;
    r.file = BUILT_IN;
    r.is_own = false;
    if (yaml_from_text(built_in, BUILT_IN, a, &top, e) != STATUS_OK ||
        read_lists(&r, top) != STATUS_OK)
        return e->code;
    out->items = r.entries;
    return a->has_failed ? status_no_memory(e, BUILT_IN) : STATUS_OK;
}

/* --- one price --- */

/* Of the user's file before the built-in ones; there, the region's before what holds
 * everywhere. */
static const struct price_entry *entry_of(const struct price_list *l, const char *type,
                                          const char *region)
{
    const struct price_entry *best = NULL;
    for (size_t i = 0; i < l->count; i++) {
        const struct price_entry *p = &l->items[i];
        if (strcmp(p->type, type) != 0 ||
            (p->region != NULL && !str_same(p->region, region)))
            continue;
        if (best == NULL || (best->region == NULL && str_same(p->file, best->file)))
            best = p;
    }
    return best;
}

static bool is_listed(const struct price_list *l, const char *type)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].type, type) == 0)
            return true;
    return false;
}

static const char *why_none(const struct price_list *l, const char *type,
                            const char *region, struct arena *a)
{
    if (!is_listed(l, type))
        return arena_text(a, "%s is not in the list of prices", type);
    if (region == NULL || *region == '\0')
        return "its region is unknown: --region";
    return arena_text(a, "%s is not listed for %s", type, region);
}

enum status prices_find(const struct price_list *l, const char *instance_type,
                        const char *region, struct arena *a, struct price *out)
{
    *out = (struct price){.usd_per_hour = NAN};
    if (instance_type == NULL || strcmp(instance_type, "unknown") == 0) {
        out->why = "its instance type is unknown";
        return STATUS_OK;
    }
    const struct price_entry *p = entry_of(l, instance_type, region);
    if (p == NULL) {
        out->why = why_none(l, instance_type, region, a);
        return a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
    }
    out->usd_per_hour = p->usd;
    out->is_own = p->file != NULL;
    out->is_old = p->is_old;
    out->source = arena_text(
        a, "%s%s%s, collected %s%s%s%s", p->kind, p->region != NULL ? ", " : "",
        p->region != NULL ? p->region : "", p->collected,
        p->is_old ? ", more than 180 days ago" : "", p->file != NULL ? ", in " : "",
        p->file != NULL ? p->file : "");
    return a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* --- of rows --- */

/* What a client of a server elsewhere says of its own place is not the server's. */
static const char *region_of(const struct analysis_row *r, const char *given)
{
    const struct origin *o = r->origin;
    bool is_remote = value_is_known(r->row->v[FIELD_client_machine_sha256]) &&
                     !value_is_known(r->row->v[FIELD_machine_sha256]);
    if (o == NULL || o->region == NULL || (is_remote && !o->is_region_given))
        return given;
    return o->region;
}

enum status prices_of_rows(const struct price_list *l, const struct analysis_rows *rows,
                           const char *region, struct arena *a, const struct price **out)
{
    const char *last_type = NULL, *last_region = NULL;
    struct price *prices = arena_alloc(a, rows->count + 1, sizeof *prices);
    if (prices == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < rows->count; i++) {
        const char *type = field_str(rows->items[i].row, FIELD_instance_type);
        const char *place = region_of(&rows->items[i], region);
        if (i > 0 && str_same(type, last_type) && str_same(place, last_region))
            prices[i] = prices[i - 1]; /* most rows ask the same as the one before */
        else if (prices_find(l, type, place, a, &prices[i]) != STATUS_OK)
            return STATUS_NO_MEMORY;
        last_type = type;
        last_region = place;
    }
    *out = prices;
    return STATUS_OK;
}
