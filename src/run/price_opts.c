#include "run/price_opts.h"

#include "base/clock.h"
#include "probe/prices.h"

enum status price_opts_set(const struct analysis_rows *rows, const struct price_order *o,
                           struct log *log, struct arena *a, struct err *e)
{
    struct price_list list;
    const struct price *listed;
    const char **unused;
    size_t count;
    if (prices_open(o->file, clock_wall(), a, &list, e) != STATUS_OK)
        return e->code;
    if (prices_of_rows(&list, rows, o->region, a, &listed) != STATUS_OK ||
        pricing_unused(rows, o->named, a, &unused, &count) != STATUS_OK)
        return status_no_memory(e, "prices");
    for (size_t i = 0; i < count; i++)
        log_line(log, LOG_WARN, "inferbench: %s", unused[i]);
    pricing_apply(rows, o->named, listed);
    return STATUS_OK;
}
