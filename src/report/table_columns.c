#include "report/table_columns.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/figure.h"
#include "report/width.h"
#include "stats/match_field.h"

#define TEXT_BYTES TABLE_NAME_BYTES

const char *table_columns_text_of(const struct row *row, enum field_id id)
{
    const char *text = field_str(row, id);
    return text != NULL ? text : "unknown";
}

const char *table_columns_caching(const struct row *row)
{
    struct value v = row->v[FIELD_enable_prefix_caching];
    return v.kind != VALUE_BOOL ? "?" : v.b ? "on" : "off";
}

bool table_columns_is_online(const struct row *row)
{
    return match_field_is_online(row);
}

void table_columns_load(const struct row *row, char out[TABLE_NAME_BYTES])
{
    struct value rate = row->v[FIELD_request_rate], batch = row->v[FIELD_batch_size];
    if (rate.kind == VALUE_STR)
        snprintf(out, TABLE_NAME_BYTES, "%.20s", rate.s);
    else if (value_is_known(rate))
        snprintf(out, TABLE_NAME_BYTES, "%g/s", value_as_num(rate));
    else if (value_is_known(batch))
        snprintf(out, TABLE_NAME_BYTES, "%s%.0f",
                 table_columns_is_online(row) ? "c=" : "", value_as_num(batch));
    else
        snprintf(out, TABLE_NAME_BYTES, "?");
}

/* --- what stands in a column */

typedef void cell_text(const struct table_columns *t, const struct summary_entry *c,
                       char out[TEXT_BYTES]);

/* width > 0: to the right, behind a blank; 0: as long as it is, behind two. */
struct column {
    const char *head; /* NULL: the percentile's name behind `of` */
    const char *of;
    int width;
    cell_text *text;
    bool (*is_shown)(const struct table_columns *t); /* NULL: always */
};

static void load(const struct table_columns *t, const struct summary_entry *c,
                 char out[TEXT_BYTES])
{
    (void)t;
    table_columns_load(c->row, out);
}

static void cache(const struct table_columns *t, const struct summary_entry *c,
                  char out[TEXT_BYTES])
{
    (void)t;
    snprintf(out, TEXT_BYTES, "%s", table_columns_caching(c->row));
}

static void tokens(const struct table_columns *t, const struct summary_entry *c,
                   char out[TEXT_BYTES])
{
    (void)t;
    figure_spread(&c->spread[METRIC_tokens_per_second], out);
}

static void requests(const struct table_columns *t, const struct summary_entry *c,
                     char out[TEXT_BYTES])
{
    (void)t;
    figure_number(c->spread[METRIC_requests_per_second].mean, out);
}

static void good(const struct table_columns *t, const struct summary_entry *c,
                 char out[TEXT_BYTES])
{
    (void)t;
    figure_number(c->spread[METRIC_goodput_rps].mean, out);
}

static void failed(const struct table_columns *t, const struct summary_entry *c,
                   char out[TEXT_BYTES])
{
    (void)t;
    snprintf(out, TEXT_BYTES, "%" PRId64, c->requests_failed);
}

static void ms_a_token(const struct table_columns *t, const struct summary_entry *c,
                       char out[TEXT_BYTES])
{
    (void)t;
    figure_number(c->spread[METRIC_time_per_token].mean, out);
}

static void ttft(const struct table_columns *t, const struct summary_entry *c,
                 char out[TEXT_BYTES])
{
    (void)t;
    figure_number(c->spread[METRIC_first_token_latency].mean * 1000.0, out);
}

static void tpot(const struct table_columns *t, const struct summary_entry *c,
                 char out[TEXT_BYTES])
{
    (void)t;
    figure_number(c->spread[METRIC_inter_token_latency].mean, out);
}

static void hits(const struct table_columns *t, const struct summary_entry *c,
                 char out[TEXT_BYTES])
{
    (void)t;
    figure_percent(c->spread[METRIC_cache_hit_rate].mean, out);
}

static void cost(const struct table_columns *t, const struct summary_entry *c,
                 char out[TEXT_BYTES])
{
    (void)t;
    figure_number(c->spread[METRIC_usd_per_million_output_tokens].mean, out);
}

static void verdict(const struct table_columns *t, const struct summary_entry *c,
                    char out[TEXT_BYTES])
{
    (void)t;
    const char *text = c->verdict != NULL   ? c->verdict
                       : c->failed_rows > 0 ? "failed"
                                            : "-";
    bool is_simulated = strcmp(text, "VALID") == 0 &&
                        field_is_true(c->row, FIELD_is_simulated);
    snprintf(out, TEXT_BYTES, "%.40s%s", text, is_simulated ? " (simulated)" : "");
}

/* --- percentiles */

/* The median where it was asked for, else the lowest; SIZE_MAX: none was. */
static size_t lowest(const struct table_columns *t)
{
    const double *p = t->run->percentiles;
    size_t low = t->run->percentile_count > 0 ? 0 : SIZE_MAX;
    for (size_t i = 0; i < t->run->percentile_count; i++)
        if (p[i] == 50 || (p[i] < p[low] && p[low] != 50))
            low = i;
    return low;
}

static void low_text(const struct table_columns *t, const struct percentile *of,
                     double scale, char out[TEXT_BYTES])
{
    size_t low = lowest(t);
    figure_number(low != SIZE_MAX && of != NULL ? of[low].value * scale : (double)NAN,
                  out);
}

/* The highest that enough samples support, with its name: "45.6 p99". */
static void high_text(const struct table_columns *t, const struct percentile *of,
                      double scale, char out[TEXT_BYTES])
{
    char number[FIGURE_BYTES];
    size_t low = lowest(t), high = low;
    for (size_t i = 0; of != NULL && i < t->run->percentile_count; i++)
        if (of[i].p > of[high].p && isfinite(of[i].value))
            high = i;
    if (high == low) {
        snprintf(out, TEXT_BYTES, "-");
        return;
    }
    figure_digits(of[high].value * scale, 3, number);
    snprintf(out, TEXT_BYTES, "%s p%g", number, of[high].p);
}

static void ttft_low(const struct table_columns *t, const struct summary_entry *c,
                     char out[TEXT_BYTES])
{
    low_text(t, c->ttft_s, 1e3, out);
}

static void ttft_high(const struct table_columns *t, const struct summary_entry *c,
                      char out[TEXT_BYTES])
{
    high_text(t, c->ttft_s, 1e3, out);
}

static void itl_low(const struct table_columns *t, const struct summary_entry *c,
                    char out[TEXT_BYTES])
{
    low_text(t, c->itl_ms, 1, out);
}

static void itl_high(const struct table_columns *t, const struct summary_entry *c,
                     char out[TEXT_BYTES])
{
    high_text(t, c->itl_ms, 1, out);
}

static void e2e_low(const struct table_columns *t, const struct summary_entry *c,
                    char out[TEXT_BYTES])
{
    low_text(t, c->e2e_s, 1e3, out);
}

static void e2e_high(const struct table_columns *t, const struct summary_entry *c,
                     char out[TEXT_BYTES])
{
    high_text(t, c->e2e_s, 1e3, out);
}

static bool has_goodput(const struct table_columns *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (field_str(t->cells[i]->row, FIELD_slo) != NULL)
            return true;
    return false;
}

/* --- the tables: 80 columns with "VALID (simulated)" */

static const struct column offline[] = {
    {.head = "batch", .width = 5, .text = load},
    {.head = "cache", .width = 5, .text = cache},
    {.head = "tokens/s", .width = 13, .text = tokens},
    {.head = "ms/tok", .width = 7, .text = ms_a_token},
    {.head = "TTFT ms", .width = 7, .text = ttft},
    {.head = "TPOT", .width = 6, .text = tpot},
    {.head = "hits", .width = 4, .text = hits},
    {.head = "$/1Mtok", .width = 7, .text = cost},
    {.head = "verdict", .text = verdict},
    {.text = NULL}};

static const struct column online[] = {
    {.head = "load", .width = 7, .text = load},
    {.head = "cache", .width = 5, .text = cache},
    {.head = "tokens/s", .width = 15, .text = tokens},
    {.head = "req/s", .width = 8, .text = requests},
    {.head = "good/s", .width = 8, .text = good, .is_shown = has_goodput},
    {.head = "failed", .width = 6, .text = failed},
    {.head = "verdict", .text = verdict},
    {.text = NULL}};

static const struct column latencies[] = {
    {.head = "load", .width = 7, .text = load},
    {.head = "cache", .width = 5, .text = cache},
    {.of = "TTFT", .width = 8, .text = ttft_low},
    {.head = "high", .width = 11, .text = ttft_high},
    {.of = "ITL", .width = 7, .text = itl_low},
    {.head = "high", .width = 10, .text = itl_high},
    {.head = "TPOT", .width = 6, .text = tpot},
    {.of = "E2E", .width = 7, .text = e2e_low},
    {.head = "high", .width = 11, .text = e2e_high},
    {.text = NULL}};

static void put(struct buf *out, const struct column *c, bool is_first, const char *text)
{
    if (c->width == 0)
        buf_printf(out, "  %s", text);
    else if (!is_first)
        buf_char(out, ' ');
    if (c->width > 0)
        width_pad(out, text, -c->width);
}

static void put_head(const struct table_columns *t, const struct column *columns)
{
    char text[TEXT_BYTES];
    size_t low = lowest(t);
    for (const struct column *c = columns; c->text != NULL; c++) {
        if (c->is_shown != NULL && !c->is_shown(t))
            continue;
        if (c->of != NULL && low != SIZE_MAX)
            snprintf(text, sizeof text, "%s p%g", c->of, t->run->percentiles[low]);
        else
            snprintf(text, sizeof text, "%s", c->of != NULL ? c->of : c->head);
        put(t->out, c, c == columns, text);
    }
    buf_char(t->out, '\n');
}

static void put_line(const struct table_columns *t, const struct column *columns,
                     const struct summary_entry *cell)
{
    char text[TEXT_BYTES];
    for (const struct column *c = columns; c->text != NULL; c++) {
        if (c->is_shown != NULL && !c->is_shown(t))
            continue;
        c->text(t, cell, text);
        put(t->out, c, c == columns, text);
    }
    buf_char(t->out, '\n');
}

static void put_lines(const struct table_columns *t, const struct column *columns)
{
    const char *scenario = "";
    put_head(t, columns);
    for (size_t i = 0; i < t->count; i++) {
        const char *now = table_columns_text_of(t->cells[i]->row, FIELD_scenario);
        if (i == 0 || strcmp(now, scenario) != 0)
            buf_printf(t->out, "%s\n", now);
        scenario = now;
        put_line(t, columns, t->cells[i]);
    }
    buf_char(t->out, '\n');
}

void table_columns_put(const struct table_columns *t)
{
    bool is_online = t->count > 0 && table_columns_is_online(t->cells[0]->row);
    put_lines(t, is_online ? online : offline);
    if (is_online)
        put_lines(t, latencies);
}
