#include "http/openai.h"

#include <string.h>
#include <strings.h>

#include "core/record.h"
#include "text/jsonr.h"

const char *openai_path(enum openai_endpoint e)
{
    return e == OPENAI_CHAT ? "/chat/completions" : "/completions";
}

static bool is_nested(struct jsonr_value v)
{
    return v.kind == JSONR_LIST || v.kind == JSONR_OBJECT;
}

/* Enters an object; any other value is skipped. */
static bool enter_object(struct jsonr *r)
{
    bool is_object = jsonr_kind(r) == JSONR_OBJECT;
    if (is_object)
        jsonr_enter(r, '{');
    else
        (void)jsonr_value(r);
    return is_object;
}

/* What some gateways make of a count: 8.0, "8". */
static bool is_odd_count(struct jsonr_value v, int64_t *out)
{
    struct str digits = jsonr_inner(v);
    if (v.kind != JSONR_STRING)
        return jsonr_whole(v, out);
    for (size_t i = 0; i < digits.len; i++)
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
    return str_to_i64(digits, out);
}

/* A whole number that is not negative and that can be, else -1. */
static int64_t take_count(struct jsonr *r)
{
    int64_t value = 0;
    struct jsonr_value v = {.kind = jsonr_kind(r)};
    v.text.ptr = r->at;
    bool is_whole = jsonr_int(r, &value);
    v.text.len = (size_t)(r->at - v.text.ptr);
    if (!is_whole && r->failed == STATUS_OK)
        is_whole = is_odd_count(v, &value);
    bool has_sign = v.text.len > 0 && *v.text.ptr == '-';
    return is_whole && !has_sign && value <= RECORD_TOKENS_MAX ? value : -1;
}

static int64_t take_length(struct jsonr *r)
{
    int64_t count = 0;
    if (jsonr_kind(r) != JSONR_LIST) {
        (void)jsonr_value(r);
        return -1;
    }
    jsonr_enter(r, '[');
    for (; jsonr_item(r); count++)
        (void)jsonr_value(r);
    return count;
}

static void read_details(struct jsonr *r, struct openai_chunk *out)
{
    struct str key;
    if (!enter_object(r))
        return;
    while (jsonr_member(r, &key))
        if (str_is(key, "cached_tokens"))
            out->tokens_cached = take_count(r);
        else
            (void)jsonr_value(r);
}

static bool read_usage(struct jsonr *r, struct openai_chunk *out)
{
    struct str key;
    out->tokens_in = out->tokens_out = out->tokens_cached = -1;
    if (!enter_object(r))
        return false;
    while (jsonr_member(r, &key))
        if (str_is(key, "prompt_tokens"))
            out->tokens_in = take_count(r);
        else if (str_is(key, "completion_tokens"))
            out->tokens_out = take_count(r);
        else if (str_is(key, "prompt_tokens_details"))
            read_details(r, out);
        else
            (void)jsonr_value(r);
    return true;
}

/* What one choice says. */
struct choice {
    bool has_text, has_letters; /* a text member, also an empty one; one with text */
    bool has_role;
    enum openai_finish finish;
    struct str finish_name;
    int64_t token_ids;
};

/* Members of a delta that are no text, at any depth. */
static bool is_label(struct str key)
{
    static const char *const labels[] = {"role", "id",    "name",
                                         "type", "index", "finish_reason"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (str_is(key, labels[i]))
            return true;
    return false;
}

/* Is there a string with letters in a list or an object? Strings that are no values are
 * keys; the values of labels, whatever they are, are skipped. */
static bool has_letters_in(struct str raw)
{
    struct jsonr r;
    jsonr_init(&r, raw, NULL, NULL);
    r.trusts_strings = true;
    while (r.at < r.end) {
        if (jsonr_kind(&r) != JSONR_STRING) {
            r.at++;
            continue;
        }
        struct str text = jsonr_inner(jsonr_value(&r));
        (void)jsonr_kind(&r);
        bool is_key = r.at < r.end && *r.at == ':';
        r.at += is_key;
        if (is_key && is_label(text))
            (void)jsonr_value(&r);
        else if (!is_key && text.len > 0)
            return true;
    }
    return false;
}

/* A value that text can stand in. */
static void see_text(struct choice *ch, struct jsonr_value v)
{
    bool is_string = v.kind == JSONR_STRING;
    ch->has_text = ch->has_text || is_nested(v) || is_string;
    ch->has_letters = ch->has_letters || (is_string && v.text.len > 2) ||
                      (is_nested(v) && v.text.len > 2 && has_letters_in(v.text));
}

static void read_message(struct jsonr *r, struct choice *ch)
{
    struct str key;
    if (!enter_object(r))
        return;
    while (jsonr_member(r, &key)) {
        struct jsonr_value v = jsonr_value(r);
        if (str_is(key, "role"))
            ch->has_role = v.kind == JSONR_STRING;
        else if (!is_label(key))
            see_text(ch, v);
    }
}

/* In whatever case: some gateways pass Gemini's STOP on. */
static enum openai_finish finish_of(struct jsonr_value v)
{
    static const struct {
        const char *name;
        enum openai_finish finish;
    } names[] = {{"length", OPENAI_FINISH_LENGTH},
                 {"stop", OPENAI_FINISH_STOP},
                 {"eos", OPENAI_FINISH_STOP},       /* Together */
                 {"eos_token", OPENAI_FINISH_STOP}, /* TGI */
                 {"stop_sequence", OPENAI_FINISH_STOP},
                 {"tool_calls", OPENAI_FINISH_STOP},
                 {"function_call", OPENAI_FINISH_STOP},
                 {"abort", OPENAI_FINISH_ABORT},
                 {"model_length", OPENAI_FINISH_LENGTH}, /* Mistral */
                 {"max_tokens", OPENAI_FINISH_LENGTH},   /* Gemini, Anthropic, Cohere */
                 {"end_turn", OPENAI_FINISH_STOP},       /* Anthropic */
                 {"complete", OPENAI_FINISH_STOP}};      /* Cohere */
    struct str reason = jsonr_inner(v);
    if (v.kind == JSONR_NULL || reason.len == 0)
        return OPENAI_FINISH_NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is_any_case(reason, names[i].name))
            return names[i].finish;
    return OPENAI_FINISH_OTHER;
}

static void read_choice_member(struct jsonr *r, struct str key, bool is_chat,
                               struct choice *ch)
{
    if (is_chat && (str_is(key, "delta") || str_is(key, "message"))) {
        read_message(r, ch);
    } else if (str_is(key, "token_ids")) {
        ch->token_ids = take_length(r);
    } else {
        struct jsonr_value v = jsonr_value(r);
        if (str_is(key, "finish_reason")) {
            ch->finish = finish_of(v);
            ch->finish_name = jsonr_inner(v);
        } else if (!is_chat && str_is(key, "text"))
            see_text(ch, v);
    }
}

static enum openai_class class_of(const struct choice *ch)
{
    if (ch->has_letters)
        return OPENAI_TEXT;
    if (ch->finish != OPENAI_FINISH_NONE)
        return OPENAI_FINISH;
    if (ch->has_text || ch->token_ids > 0)
        return OPENAI_EMPTY;
    return ch->has_role ? OPENAI_ROLE : OPENAI_NOTHING;
}

static void read_choice(struct jsonr *r, bool is_chat, struct openai_chunk *out)
{
    struct choice ch = {.token_ids = -1};
    struct str key;
    jsonr_enter(r, '{');
    while (jsonr_member(r, &key))
        read_choice_member(r, key, is_chat, &ch);
    enum openai_class cls = class_of(&ch);
    out->cls = cls > out->cls ? cls : out->cls;
    out->has_role = out->has_role || ch.has_role;
    if (ch.finish != OPENAI_FINISH_NONE) {
        out->finish = ch.finish;
        out->finish_name = ch.finish_name;
    }
    if (ch.token_ids >= 0)
        out->token_ids = ch.token_ids + (out->token_ids > 0 ? out->token_ids : 0);
}

static bool read_choices(struct jsonr *r, bool is_chat, struct openai_chunk *out)
{
    out->cls = OPENAI_NOTHING;
    out->has_role = false;
    out->finish = OPENAI_FINISH_NONE;
    out->token_ids = -1;
    if (jsonr_kind(r) != JSONR_LIST) {
        (void)jsonr_value(r);
        return false;
    }
    jsonr_enter(r, '[');
    while (jsonr_item(r))
        if (jsonr_kind(r) == JSONR_OBJECT)
            read_choice(r, is_chat, out);
        else
            (void)jsonr_value(r);
    return true;
}

/* null, false, "", {} and [] beside a text say that there is none. */
static bool is_no_error(struct jsonr_value v)
{
    struct str inner = v.text;
    if (is_nested(v))
        inner = str_trim((struct str){.ptr = v.text.ptr + 1, .len = v.text.len - 2});
    return v.kind == JSONR_NULL || v.kind == JSONR_NONE || str_is(v.text, "false") ||
           str_is(v.text, "\"\"") || inner.len == 0;
}

/* The first value of a list; JSONR_NONE. */
static struct jsonr_value first_of(struct jsonr_value list)
{
    struct jsonr r;
    jsonr_init(&r, list.text, NULL, NULL);
    r.trusts_strings = true;
    jsonr_enter(&r, '[');
    return jsonr_item(&r) ? jsonr_value(&r) : (struct jsonr_value){.kind = JSONR_NONE};
}

/* {"message": ...} or {"error": ...}; JSONR_NONE where there is neither. */
static struct jsonr_value inner_error(struct jsonr_value object)
{
    struct jsonr_value found = {.kind = JSONR_NONE};
    struct str key;
    struct jsonr r;
    jsonr_init(&r, object.text, NULL, NULL);
    r.trusts_strings = true;
    jsonr_enter(&r, '{');
    while (jsonr_member(&r, &key)) {
        struct jsonr_value v = jsonr_value(&r);
        bool is_message = str_is(key, "message");
        if ((is_message || (str_is(key, "error") && found.kind == JSONR_NONE)) &&
            !is_no_error(v))
            found = v;
    }
    return found;
}

/* What may be an error in other dress: {"object": "error", "message": ...}, {"detail":
 * ...}; none if its type says something else: {"type": "ping", "message": ...}. */
struct other {
    struct str said; /* ptr NULL: nothing */
    bool is_note, is_error;
};

/* {"error": {"message": ...}}, {"error": "..."}, {"errors": [...]}, one in another;
 * without a message all of it. */
static void read_error(struct jsonr *r, struct openai_chunk *out, struct other *o)
{
    enum { DEEPEST = 4 };
    struct jsonr_value error = jsonr_value(r);
    if (is_no_error(error)) {
        o->said = error.kind != JSONR_NULL ? jsonr_inner(error) : o->said;
        return;
    }
    for (int depth = 0; depth < DEEPEST && is_nested(error); depth++) {
        struct jsonr_value inner = error.kind == JSONR_LIST ? first_of(error)
                                                            : inner_error(error);
        if (inner.kind == JSONR_NONE)
            break;
        error = inner;
    }
    out->error = jsonr_inner(error);
}

static void read_other(struct jsonr *r, struct str key, struct other *o)
{
    struct jsonr_value v = jsonr_value(r);
    bool is_string = v.kind == JSONR_STRING;
    if ((str_is(key, "message") && is_string) ||
        (str_is(key, "detail") && v.kind != JSONR_NULL))
        o->said = jsonr_inner(v);
    if (str_is(key, "type") && is_string)
        o->is_note = str_find(v.text, "err") == NULL &&
                     str_find(v.text, "exception") == NULL;
    if (str_is(key, "code") || (str_is(key, "object") && str_is(v.text, "\"error\"")))
        o->is_error = true;
}

static struct str take_name(struct jsonr *r)
{
    struct jsonr_value v = jsonr_value(r);
    return v.kind == JSONR_STRING ? jsonr_inner(v) : (struct str){0};
}

static bool is_error_key(struct str key)
{
    return (key.len == 5 && str_is(key, "error")) ||
           (key.len == 6 && str_is(key, "errors"));
}

/* Members that every event has are told by their length and first letter, before their
 * names are compared: this runs for each token. */
static bool may_be_other(struct str key)
{
    return key.len == 4 || key.len == 6 || (key.len == 7 && key.ptr[0] == 'm');
}

static void read_member(struct jsonr *r, struct str key, struct openai_chunk *out,
                        struct other *o)
{
    if (key.len == 5 && str_is(key, "model"))
        out->model = take_name(r);
    else if (key.len == 8 && str_is(key, "provider"))
        out->provider = take_name(r);
    else if (is_error_key(key))
        read_error(r, out, o);
    else if (may_be_other(key))
        read_other(r, key, o);
    else
        (void)jsonr_value(r);
}

static struct str error_in(const struct other *o)
{
    return o->is_error || !o->is_note ? o->said : (struct str){0};
}

static bool read_object(struct jsonr *r, bool is_chat, struct openai_chunk *out)
{
    struct str key;
    struct other other = {.is_note = false};
    bool has_choices = false, has_usage = false;
    jsonr_enter(r, '{');
    while (jsonr_member(r, &key))
        if (key.len == 7 && str_is(key, "choices"))
            has_choices = read_choices(r, is_chat, out);
        else if (key.len == 5 && str_is(key, "usage"))
            has_usage = read_usage(r, out);
        else
            read_member(r, key, out, &other);
    if (out->error.ptr == NULL && !has_choices)
        out->error = error_in(&other);
    return jsonr_end(r) == STATUS_OK &&
           (has_choices || has_usage || out->error.ptr != NULL);
}

/* Gemini and others put an error into a list. */
static bool read_list(struct jsonr *r, bool is_chat, struct openai_chunk *out)
{
    struct jsonr first;
    bool has_object = false, is_read = false;
    jsonr_enter(r, '[');
    while (jsonr_item(r)) {
        struct jsonr_value v = jsonr_value(r);
        if (v.kind != JSONR_OBJECT || has_object)
            continue;
        has_object = true;
        jsonr_init(&first, v.text, NULL, NULL);
        first.trusts_strings = true;
        is_read = read_object(&first, is_chat, out);
    }
    return jsonr_end(r) == STATUS_OK && is_read;
}

enum openai_reading openai_read(struct str json, enum openai_endpoint endpoint,
                                struct openai_chunk *out)
{
    static const struct openai_chunk nothing = {
        .token_ids = -1, .tokens_in = -1, .tokens_out = -1, .tokens_cached = -1};
    struct jsonr r;
    *out = nothing;
    if (json.len == 0)
        return OPENAI_OTHER;
    jsonr_init(&r, json, NULL, NULL);
    r.trusts_strings = true; /* a server may cut a character between two events */
    out->is_done = str_is(str_trim(json), "[DONE]");
    if (out->is_done)
        return OPENAI_READ;
    enum jsonr_kind kind = jsonr_kind(&r);
    if (kind == JSONR_OBJECT
            ? read_object(&r, endpoint == OPENAI_CHAT, out)
            : kind == JSONR_LIST && read_list(&r, endpoint == OPENAI_CHAT, out))
        return OPENAI_READ;
    *out = nothing;
    bool is_nested = kind == JSONR_OBJECT || kind == JSONR_LIST;
    return is_nested && r.failed != STATUS_OK ? OPENAI_BROKEN : OPENAI_OTHER;
}

/* --- answers that are no JSON */

static bool is_tag(struct str s, const char *name)
{
    size_t len = strlen(name);
    return s.len > len && strncasecmp(s.ptr, name, len) == 0;
}

/* What stands between <title> and its end; all of it where there is none. */
static struct str title_of(struct str s)
{
    for (struct str at = s; at.len > 0; at.ptr++, at.len--)
        if (is_tag(at, "<title")) {
            struct str title = at;
            (void)str_cut(&title, '>');
            return str_cut(&title, '<');
        }
    return s;
}

/* What is no text is one blank: control characters, and tags of HTML. */
static bool is_blank(char c, bool is_html, bool *is_within_tag)
{
    bool is_tag = is_html && (c == '<' || c == '>');
    bool was_within = *is_within_tag;
    if (is_tag)
        *is_within_tag = c == '<';
    return (unsigned char)c <= ' ' || c == 0x7f || is_tag || was_within;
}

void openai_say(struct str body, char *out, size_t room)
{
    bool is_html = str_starts(str_trim(body), "<"), is_within_tag = false;
    struct str text = is_html ? title_of(body) : body;
    size_t len = 0;
    for (size_t i = 0; i < text.len && len + 1 < room; i++) {
        char c = is_blank(text.ptr[i], is_html, &is_within_tag) ? ' ' : text.ptr[i];
        if (c != ' ' || (len > 0 && out[len - 1] != ' '))
            out[len++] = c;
    }
    while (len > 0 && out[len - 1] == ' ')
        len--;
    out[len] = '\0';
}
