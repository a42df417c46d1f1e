#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "core/field.h"
#include "text/json.h"
#include "track/entry_text.h"

enum { ERROR_MAX_CHARS = 500 };
#define NOTE_CAP_BYTES ((size_t)1 << 20)

struct note {
    const json_t *row;
    struct arena *arena;
    struct buf out;
    bool is_filled; /* the table's line at hand has a word already */
};

/* What would be read as Markdown or HTML stands for itself; one line stays one line. */
static void put_text(struct note *n, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr("\\`*[]<>|", *p) != NULL)
            (void)buf_char(&n->out, '\\');
        (void)buf_char(&n->out, *p == '\n' || *p == '\r' || *p == '\t' ? ' ' : *p);
    }
}

/* NULL for what is unknown, or none. */
static const json_t *known(const struct note *n, enum field_id id)
{
    const json_t *v = json_object_get(n->row, field_table[id].name);
    const char *text = json_string_value(v);
    bool is_none = text != NULL && (text[0] == '\0' || strcmp(text, "none") == 0);
    return json_is_null(v) || is_none ? NULL : v;
}

static bool is_text(const struct note *n, enum field_id id, const char *text)
{
    const char *value = json_string_value(known(n, id));
    return value != NULL && strcmp(value, text) == 0;
}

static void put_value(struct note *n, const json_t *value)
{
    const char *text = json_is_null(value)   ? "unknown"
                       : json_is_real(value) ? NULL
                                             : entry_text_plain(value, n->arena);
    if (json_is_real(value))
        (void)buf_printf(&n->out, "%.6g", json_real_value(value));
    else if (text != NULL)
        put_text(n, text);
    else
        n->out.failed = STATUS_NO_MEMORY;
}

/* A known field, between `before` and `after`, in the line at hand. */
static void put_field(struct note *n, enum field_id id, const char *before,
                      const char *after)
{
    const json_t *value = known(n, id);
    if (value == NULL)
        return;
    (void)buf_printf(&n->out, "%s%s", n->is_filled ? ", " : "", before);
    put_value(n, value);
    (void)buf_text(&n->out, after);
    n->is_filled = true;
}

static void begin_line(struct note *n, const char *head)
{
    (void)buf_printf(&n->out, "| %s | ", head);
    n->is_filled = false;
}

static void end_line(struct note *n)
{
    (void)buf_text(&n->out, " |\n");
}

/* In words where the check has them, else "send_late_share 0.5, limit 0.01". */
static void put_check(struct note *n, const json_t *check)
{
    const char *text = json_str_of(check, "text");
    const json_t *limit = json_object_get(check, "limit");
    if (text != NULL) {
        put_text(n, text);
        return;
    }
    put_text(n, json_str_of(check, "field"));
    (void)buf_char(&n->out, ' ');
    put_value(n, json_object_get(check, "value"));
    if (json_is_number(limit)) {
        (void)buf_text(&n->out, ", limit ");
        put_value(n, limit);
    }
}

static bool is_check_of(const json_t *check, const char *code)
{
    return json_str_is(check, "code", code) && json_str_of(check, "field") != NULL &&
           json_object_get(check, "value") != NULL;
}

/* "- CLIENT_LATE: 50 % of requests sent over 1 ms late, limit 1 %", once for each check
 * of that code. */
static void put_code(struct note *n, const json_t *code)
{
    const char *name = json_string_value(code);
    if (name == NULL)
        return;
    (void)buf_text(&n->out, "- ");
    put_text(n, name);
    size_t i;
    const json_t *check;
    const char *separator = ": ";
    json_array_foreach(known(n, FIELD_checks), i, check)
    {
        if (!is_check_of(check, name))
            continue;
        (void)buf_text(&n->out, separator);
        put_check(n, check);
        separator = "; ";
    }
    (void)buf_char(&n->out, '\n');
}

static void put_codes(struct note *n, enum field_id id, const char *head)
{
    const json_t *codes = known(n, id);
    if (json_array_size(codes) == 0)
        return;
    (void)buf_printf(&n->out, "%s:\n\n", head);
    size_t i;
    const json_t *code;
    json_array_foreach(codes, i, code) put_code(n, code);
    (void)buf_char(&n->out, '\n');
}

static void put_verdict(struct note *n, bool is_warmup)
{
    const json_t *error = known(n, FIELD_error);
    const char *verdict = json_string_value(known(n, FIELD_verdict));
    if (error != NULL) {
        const char *text = entry_text_python(error, n->arena);
        text = text != NULL ? entry_text_cut(text, ERROR_MAX_CHARS, n->arena) : NULL;
        (void)buf_text(&n->out, "**FAILED**: ");
        put_text(n, text != NULL ? text : "");
    } else if (is_warmup) {
        (void)buf_text(&n->out, "**Warm-up**: not judged, never averaged");
    } else if (verdict != NULL) {
        (void)buf_text(&n->out, "**");
        put_text(n, verdict);
        (void)buf_text(&n->out, "**");
    } else {
        (void)buf_text(&n->out, "Not judged");
    }
    (void)buf_text(&n->out, "\n\n");
    put_codes(n, FIELD_reasons, "Reasons");
    put_codes(n, FIELD_warnings, "Warnings");
}

static void put_setting(struct note *n)
{
    begin_line(n, "Model");
    put_field(n, FIELD_model_name, "", "");
    put_field(n, FIELD_dtype, "", "");
    put_field(n, FIELD_quantization, "quantization ", "");
    put_field(n, FIELD_weights, "", " weights");
    end_line(n);
    begin_line(n, "Machine");
    put_field(n, FIELD_instance_type, "", "");
    put_field(n, FIELD_hardware_type, "", "");
    put_field(n, FIELD_label, "label ", "");
    end_line(n);
    if (known(n, FIELD_engine) != NULL) {
        begin_line(n, "Engine");
        put_field(n, FIELD_engine, "", "");
        put_field(n, FIELD_engine_version, "version ", "");
        put_field(n, FIELD_max_num_seqs, "max_num_seqs ", "");
        end_line(n);
    }
}

static void put_load(struct note *n)
{
    bool is_online = is_text(n, FIELD_serving_mode, "online");
    begin_line(n, "Load");
    put_field(n, FIELD_serving_mode, "", "");
    put_field(n, FIELD_scenario, "", "");
    put_field(n, FIELD_batch_size, is_online ? "concurrency " : "batch of ", "");
    put_field(n, FIELD_arrival, "", "");
    put_field(n, FIELD_request_rate, "", " requests/s");
    put_field(n, FIELD_input_length, "input ", "");
    put_field(n, FIELD_max_output_tokens, "at most ", " output tokens");
    if (json_is_boolean(known(n, FIELD_enable_prefix_caching)))
        (void)buf_printf(&n->out, "%sprefix caching %s", n->is_filled ? ", " : "",
                         json_is_true(known(n, FIELD_enable_prefix_caching)) ? "on"
                                                                             : "off");
    end_line(n);
    if (known(n, FIELD_requests_planned) != NULL) {
        begin_line(n, "Requests");
        put_field(n, FIELD_requests_ok, "", " ok");
        put_field(n, FIELD_requests_failed, "", " failed");
        put_field(n, FIELD_requests_cancelled, "", " cancelled");
        end_line(n);
    }
}

static void put_figures(struct note *n)
{
    static const enum field_id figures[] = {
        FIELD_tokens_per_second,   FIELD_window_tokens_per_second,
        FIELD_requests_per_second, FIELD_goodput_rps,
        FIELD_total_time,          FIELD_first_token_latency,
        FIELD_ttft_p50_s,          FIELD_ttft_p99_s,
        FIELD_inter_token_latency, FIELD_itl_p50_ms,
        FIELD_itl_p99_ms,          FIELD_e2e_mean_s,
        FIELD_e2e_p99_s,           FIELD_cache_hit_rate,
        FIELD_peak_memory_mb,      FIELD_usd_per_million_output_tokens,
    };
    (void)buf_text(&n->out, "\n| figure | value | meaning |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        const struct field *f = &field_table[figures[i]];
        if (!json_is_number(known(n, figures[i])))
            continue;
        (void)buf_printf(&n->out, "| %s | %.6g%s%s | %s |\n", f->name,
                         json_number_value(known(n, figures[i])),
                         f->unit[0] != '\0' ? " " : "", f->unit, f->help);
    }
}

const char *entry_note_text(const json_t *row, bool is_warmup, struct arena *a)
{
    struct note n = {.row = row, .arena = a};
    buf_init(&n.out, NOTE_CAP_BYTES);
    put_verdict(&n, is_warmup);
    (void)buf_text(&n.out, "| | |\n| --- | --- |\n");
    put_setting(&n);
    put_load(&n);
    put_figures(&n);
    const char *text = n.out.failed == STATUS_OK ? arena_strdup(a, buf_cstr(&n.out))
                                                 : NULL;
    buf_fini(&n.out);
    return text;
}
