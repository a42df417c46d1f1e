/* Prices of rows that are read back: the options of `analyze` and `compare`. */
#ifndef RUN_PRICE_OPTS_H
#define RUN_PRICE_OPTS_H

#include "base/log.h"
#include "base/opt.h"
#include "stats/pricing.h"

#define PRICE_OPTS_LIST(X)                                                               \
    X(struct opt_strings, prices, "price-per-hour", OPT_STRING_LIST, .group = "Prices",  \
      .value_name = "USD|NAME=USD",                                                      \
      .help = "price of the machines, or of one label or instance type; unset: that of " \
              "--price-file, else the one in the results, else of the built-in list")    \
    X(const char *, price_file, "price-file", OPT_STRING, .group = "Prices",             \
      .value_name = "FILE.yaml",                                                         \
      .help = "prices of your own (spot, reserved...), in the form of data/prices.yaml") \
    X(const char *, region, "region", OPT_STRING, .group = "Prices",                     \
      .value_name = "NAME",                                                              \
      .help = "AWS region of machines whose results do not tell it, e.g. us-east-1")

/* How the report of analyze shows money. */
#define MONEY_OPTS_LIST(X)                                                               \
    X(const char *, api_price, "api-price", OPT_STRING, .group = "Prices",               \
      .value_name = "IN:OUT",                                                            \
      .help = "price of an API, USD per million input and output tokens: the report "    \
              "says from which use on the machine is cheaper")                           \
    X(const char *, currency, "currency", OPT_STRING, .group = "Prices",                 \
      .value_name = "CODE",                                                              \
      .help = "shown behind costs in USD in the report, e.g. JPY; needs --fx")           \
    X(double, fx, "fx", OPT_DOUBLE, .group = "Prices", .max = 1e9, .value_name = "RATE", \
      .help = "of that currency for one USD, e.g. 155")

/* The members above, from the options of either command. */
struct price_order {
    const struct opt_strings *named;
    const char *file, *region;
};
#define PRICE_ORDER_OF(opts) \
    ((struct price_order){&(opts)->prices, (opts)->price_file, (opts)->region})

struct money_order {
    const char *api_price, *currency;
    double fx; /* NAN: not given */
};
/* BAD_OPTION: one of them is not understood, or lacks the other. */
MUST_CHECK enum status price_opts_view(const struct money_order *o,
                                       struct money_view *out, struct err *e);

/* Each row its price (pricing_apply). Names of no row get a warning in the log.
 *   BAD_INPUT   a price file of another form, or what reading it fails with */
MUST_CHECK enum status price_opts_set(const struct analysis_rows *rows,
                                      const struct price_order *o, struct log *log,
                                      struct arena *a, struct err *e);

#endif
