#include "run/price_opts.h"

#include <math.h>
#include <string.h>

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

static enum status read_api(const char *text, struct money_view *out, struct err *e)
{
    struct str rest = str_from(text), in = str_cut(&rest, ':');
    if (str_to_double(in, &out->api_in) && str_to_double(rest, &out->api_out) &&
        out->api_in >= 0 && out->api_out >= 0 && out->api_in + out->api_out > 0 &&
        isfinite(out->api_in + out->api_out))
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, "--api-price", "\"%s\" is not two prices", text);
    return status_hint(e, "Write USD per million input and output tokens, e.g. 0.5:1.5.");
}

static bool is_code(const char *text)
{
    return strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

enum status price_opts_view(const struct money_order *o, struct money_view *out,
                            struct err *e)
{
    *out = (struct money_view){NAN, NAN, o->currency, o->fx};
    if (o->api_price != NULL && read_api(o->api_price, out, e) != STATUS_OK)
        return e->code;
    if (o->currency != NULL && !is_code(o->currency)) {
        status_fail(e, STATUS_BAD_OPTION, "--currency", "\"%s\" is not a currency",
                    o->currency);
        return status_hint(e, "Write its code, e.g. JPY.");
    }
    if ((o->currency != NULL) == (o->fx > 0))
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, o->currency != NULL ? "--currency" : "--fx",
                "needs the other");
    return status_hint(e, "Write e.g. --currency JPY --fx 155.");
}
