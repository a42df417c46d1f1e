#include "probe/prices.h"

#include <math.h>
#include <string.h>

#include "embed.h"
#include "text/yaml.h"

#define DEFAULT_REGION "us-east-1"

static const char *text_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_get(map, key);
    return node != NULL && node->text != NULL ? node->text : "unknown";
}

enum status prices_find(const char *instance_type, const char *region, struct arena *a,
                        struct price *out, struct err *e)
{
    struct yaml_node *top;
    struct str text = {(const char *)embed_prices_yaml, embed_prices_yaml_size};
    enum status code = yaml_from_text(text, "prices.yaml", a, &top, e);
    if (code != STATUS_OK)
        return code;
    *out = (struct price){NAN, NULL};
    if (instance_type == NULL)
        return STATUS_OK;
    const struct yaml_node *regions = yaml_get(top, "regions");
    const struct yaml_node *prices = yaml_get(regions,
                                              region != NULL ? region : DEFAULT_REGION);
    const struct yaml_node *price = yaml_get(prices, instance_type);
    double usd;
    if (price == NULL || !str_to_double(str_from(price->text), &usd))
        return STATUS_OK;
    const char *source = arena_printf(a, "%s, %s%s, collected %s", text_of(top, "kind"),
                                      region != NULL ? region : DEFAULT_REGION,
                                      region != NULL ? "" : " (region not known)",
                                      text_of(top, "collected"));
    if (source == NULL)
        return status_no_memory(e, "prices.yaml");
    *out = (struct price){usd, source};
    return STATUS_OK;
}

enum status prices_of_rows(const struct analysis_rows *rows, struct arena *a,
                           const struct price **out, struct err *e)
{
    const char *last_type = NULL, *last_region = NULL;
    struct price *prices = arena_alloc(a, rows->count + 1, sizeof *prices);
    if (prices == NULL)
        return status_no_memory(e, "prices.yaml");
    for (size_t i = 0; i < rows->count; i++) {
        const struct origin *origin = rows->items[i].origin;
        const char *type = field_str(rows->items[i].row, FIELD_instance_type);
        const char *region = origin != NULL ? origin->region : NULL;
        if (i > 0 && str_same(type, last_type) && str_same(region, last_region))
            prices[i] = prices[i - 1]; /* most rows ask the same as the one before */
        else if (prices_find(type, region, a, &prices[i], e) != STATUS_OK)
            return e->code;
        last_type = type;
        last_region = region;
    }
    *out = prices;
    return STATUS_OK;
}
