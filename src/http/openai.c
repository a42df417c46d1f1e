#include "http/openai.h"

#include <string.h>

#include "core/record.h"

const char *openai_path(enum openai_endpoint e)
{
    return e == OPENAI_CHAT ? "/v1/chat/completions" : "/v1/completions";
}

/* Where in a JSON text the reader is. Once it is bad nothing more is read. */
struct cursor {
    const char *at, *end;
    bool is_bad;
};

static bool bad(struct cursor *c)
{
    c->is_bad = true;
    return false;
}

/* The next byte that is no blank, not taken; 0 at the end. */
static char peek(struct cursor *c)
{
    while (c->at < c->end &&
           (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
        c->at++;
    return c->at < c->end && !c->is_bad ? *c->at : '\0';
}

static bool take_char(struct cursor *c, char wanted)
{
    if (peek(c) != wanted)
        return false;
    c->at++;
    return true;
}

/* What stands between the quotes, escapes as they are. */
static bool take_string(struct cursor *c, struct str *inner)
{
    if (!take_char(c, '"'))
        return bad(c);
    const char *from = c->at;
    for (const char *q = from; (q = memchr(q, '"', (size_t)(c->end - q))) != NULL; q++) {
        const char *escape = q;
        while (escape > from && escape[-1] == '\\')
            escape--;
        if ((q - escape) % 2 != 0)
            continue;
        *inner = (struct str){.ptr = from, .len = (size_t)(q - from)};
        c->at = q + 1;
        return true;
    }
    return bad(c);
}

static bool take_key(struct cursor *c, struct str *key)
{
    return take_string(c, key) && (take_char(c, ':') || bad(c));
}

/* What can stand in a number or a word; all else ends it. */
static bool is_scalar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '+' || c == '.';
}

/* Numbers are told by their first byte only; also Python's own ones. */
static bool take_scalar(struct cursor *c)
{
    char first = peek(c);
    const char *from = c->at;
    while (c->at < c->end && is_scalar(*c->at))
        c->at++;
    struct str s = {.ptr = from, .len = (size_t)(c->at - from)};
    bool is_number = first == '-' || (first >= '0' && first <= '9');
    return is_number || str_is(s, "null") || str_is(s, "true") || str_is(s, "false") ||
           str_is(s, "NaN") || str_is(s, "Infinity") || bad(c);
}

/* Brackets that are open within a value: bit n of `objects` tells whether the nth is
 * one of an object. */
struct nest {
    uint64_t objects;
    int depth;
};
enum { NEST_MAX = 64 };

/* Takes an opening bracket, and the key behind it; *is_value: a value has ended. */
static bool open_bracket(struct cursor *c, struct nest *n, bool *is_value)
{
    struct str key;
    bool is_object = *c->at++ == '{';
    *is_value = take_char(c, is_object ? '}' : ']');
    if (*is_value)
        return true;
    if (n->depth == NEST_MAX)
        return bad(c);
    n->objects = n->objects << 1 | (is_object ? 1 : 0);
    n->depth++;
    return !is_object || take_key(c, &key);
}

/* What follows a value inside brackets: all brackets that end here, or a comma. */
static bool leave_brackets(struct cursor *c, struct nest *n)
{
    struct str key;
    while (n->depth > 0) {
        bool is_object = (n->objects & 1) != 0;
        if (take_char(c, ','))
            return !is_object || take_key(c, &key);
        if (!take_char(c, is_object ? '}' : ']'))
            return bad(c);
        n->objects >>= 1;
        n->depth--;
    }
    return true;
}

/* Takes one value of any kind; *raw is its text. */
static bool take_value(struct cursor *c, struct str *raw)
{
    struct nest n = {0};
    struct str text;
    (void)peek(c);
    const char *from = c->at;
    do {
        bool is_value = true, is_good = false;
        char first = peek(c);
        if (first == '{' || first == '[')
            is_good = open_bracket(c, &n, &is_value);
        else
            is_good = first == '"' ? take_string(c, &text) : take_scalar(c);
        if (!is_good || (is_value && !leave_brackets(c, &n)))
            return false;
    } while (n.depth > 0);
    *raw = (struct str){.ptr = from, .len = (size_t)(c->at - from)};
    return true;
}

static void skip_value(struct cursor *c)
{
    struct str raw;
    (void)take_value(c, &raw);
}

/* Steps to the next thing between two brackets, whose first one has been taken where
 * *is_inside. */
static bool next_in(struct cursor *c, const char *brackets, bool *is_inside)
{
    if (!*is_inside) {
        *is_inside = true;
        if (!take_char(c, brackets[0]))
            return bad(c);
        return !take_char(c, brackets[1]) && !c->is_bad;
    }
    if (take_char(c, ','))
        return true;
    return take_char(c, brackets[1]) ? false : bad(c);
}

static bool next_member(struct cursor *c, bool *is_inside, struct str *key)
{
    return next_in(c, "{}", is_inside) && take_key(c, key);
}

static bool is_null(struct str raw)
{
    return str_is(raw, "null");
}

static bool is_string(struct str raw)
{
    return raw.len >= 2 && raw.ptr[0] == '"';
}

static struct str unquoted(struct str raw)
{
    return is_string(raw) ? (struct str){.ptr = raw.ptr + 1, .len = raw.len - 2} : raw;
}

/* A whole number that is not negative and that can be, else -1. */
static int64_t take_count(struct cursor *c)
{
    struct str raw;
    int64_t value = 0;
    if (!take_value(c, &raw) || raw.ptr[0] == '-' || !str_to_i64(raw, &value))
        return -1;
    return value <= RECORD_TOKENS_MAX ? value : -1;
}

static int64_t take_length(struct cursor *c)
{
    int64_t count = 0;
    bool is_inside = false;
    if (peek(c) != '[') {
        skip_value(c);
        return -1;
    }
    while (next_in(c, "[]", &is_inside)) {
        skip_value(c);
        count++;
    }
    return count;
}

static void read_details(struct cursor *c, struct openai_chunk *out)
{
    struct str key;
    bool is_inside = false;
    if (peek(c) != '{') {
        skip_value(c);
        return;
    }
    while (next_member(c, &is_inside, &key)) {
        if (str_is(key, "cached_tokens"))
            out->tokens_cached = take_count(c);
        else
            skip_value(c);
    }
}

static bool read_usage(struct cursor *c, struct openai_chunk *out)
{
    struct str key;
    bool is_inside = false;
    out->tokens_in = out->tokens_out = out->tokens_cached = -1;
    if (peek(c) != '{') {
        skip_value(c);
        return false;
    }
    while (next_member(c, &is_inside, &key)) {
        if (str_is(key, "prompt_tokens"))
            out->tokens_in = take_count(c);
        else if (str_is(key, "completion_tokens"))
            out->tokens_out = take_count(c);
        else if (str_is(key, "prompt_tokens_details"))
            read_details(c, out);
        else
            skip_value(c);
    }
    return true;
}

/* What one choice says. */
struct choice {
    bool has_text, has_letters; /* a text member, also an empty one; one with text */
    bool has_role;
    enum openai_finish finish;
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
    struct cursor c = {.at = raw.ptr, .end = raw.ptr + raw.len};
    struct str text, ignored;
    while (c.at < c.end && !c.is_bad) {
        if (peek(&c) != '"') {
            c.at++;
            continue;
        }
        if (!take_string(&c, &text))
            return false;
        bool is_key = take_char(&c, ':');
        if (is_key && is_label(text))
            (void)take_value(&c, &ignored);
        else if (!is_key && text.len > 0)
            return true;
    }
    return false;
}

/* A value that text can stand in. */
static void see_text(struct choice *ch, struct str raw)
{
    bool is_nested = raw.ptr[0] == '[' || raw.ptr[0] == '{';
    ch->has_text = ch->has_text || is_nested || is_string(raw);
    ch->has_letters = ch->has_letters || (is_string(raw) && raw.len > 2) ||
                      (is_nested && raw.len > 2 && has_letters_in(raw));
}

static void read_message(struct cursor *c, struct choice *ch)
{
    struct str key, raw;
    bool is_inside = false;
    if (peek(c) != '{') {
        skip_value(c);
        return;
    }
    while (next_member(c, &is_inside, &key) && take_value(c, &raw)) {
        if (str_is(key, "role"))
            ch->has_role = is_string(raw);
        else if (!is_label(key))
            see_text(ch, raw);
    }
}

static enum openai_finish finish_of(struct str raw)
{
    struct str reason = unquoted(raw);
    if (is_null(raw) || reason.len == 0)
        return OPENAI_FINISH_NONE;
    if (str_is(reason, "length"))
        return OPENAI_FINISH_LENGTH;
    if (str_is(reason, "stop"))
        return OPENAI_FINISH_STOP;
    return str_is(reason, "abort") ? OPENAI_FINISH_ABORT : OPENAI_FINISH_OTHER;
}

static void read_choice_member(struct cursor *c, struct str key, bool is_chat,
                               struct choice *ch)
{
    struct str raw;
    if (is_chat && (str_is(key, "delta") || str_is(key, "message"))) {
        read_message(c, ch);
    } else if (str_is(key, "token_ids")) {
        ch->token_ids = take_length(c);
    } else if (take_value(c, &raw)) {
        if (str_is(key, "finish_reason"))
            ch->finish = finish_of(raw);
        else if (!is_chat && str_is(key, "text"))
            see_text(ch, raw);
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

static void read_choice(struct cursor *c, bool is_chat, struct openai_chunk *out)
{
    struct choice ch = {.token_ids = -1};
    struct str key;
    bool is_inside = false;
    while (next_member(c, &is_inside, &key))
        read_choice_member(c, key, is_chat, &ch);
    enum openai_class cls = class_of(&ch);
    out->cls = cls > out->cls ? cls : out->cls;
    out->has_role = out->has_role || ch.has_role;
    if (ch.finish != OPENAI_FINISH_NONE)
        out->finish = ch.finish;
    if (ch.token_ids >= 0)
        out->token_ids = ch.token_ids + (out->token_ids > 0 ? out->token_ids : 0);
}

static bool read_choices(struct cursor *c, bool is_chat, struct openai_chunk *out)
{
    bool is_inside = false;
    out->cls = OPENAI_NOTHING;
    out->has_role = false;
    out->finish = OPENAI_FINISH_NONE;
    out->token_ids = -1;
    if (peek(c) != '[') {
        skip_value(c);
        return false;
    }
    while (next_in(c, "[]", &is_inside)) {
        if (peek(c) == '{')
            read_choice(c, is_chat, out);
        else
            skip_value(c);
    }
    return true;
}

/* {"error": {"message": ...}} or {"error": "..."}; without a message all of it. */
static void read_error(struct cursor *c, struct openai_chunk *out)
{
    struct str key, raw, message = {0};
    bool is_inside = false, is_object = peek(c) == '{';
    const char *from = c->at;
    out->error = (struct str){0};
    if (is_object) {
        while (next_member(c, &is_inside, &key) && take_value(c, &raw))
            if (str_is(key, "message") && !is_null(raw))
                message = unquoted(raw);
        raw = (struct str){.ptr = from, .len = (size_t)(c->at - from)};
    } else if (!take_value(c, &raw) || is_null(raw)) {
        return;
    }
    out->error = message.ptr != NULL ? message : unquoted(raw);
}

/* Errors in other dress: {"object": "error", "message": ...}, {"detail": ...}. */
static void read_other(struct cursor *c, struct str key, struct str *said)
{
    struct str raw;
    if (!take_value(c, &raw))
        return;
    if ((str_is(key, "message") && is_string(raw)) ||
        (str_is(key, "detail") && !is_null(raw)))
        *said = unquoted(raw);
}

static bool read_object(struct cursor *c, bool is_chat, struct openai_chunk *out)
{
    struct str key, said = {0};
    bool is_inside = false, has_choices = false, has_usage = false;
    while (next_member(c, &is_inside, &key)) {
        if (str_is(key, "choices"))
            has_choices = read_choices(c, is_chat, out);
        else if (str_is(key, "usage"))
            has_usage = read_usage(c, out);
        else if (str_is(key, "error"))
            read_error(c, out);
        else
            read_other(c, key, &said);
    }
    if (out->error.ptr == NULL && !has_choices)
        out->error = said;
    bool is_whole = peek(c) == '\0' && c->at == c->end && !c->is_bad;
    return is_whole && (has_choices || has_usage || out->error.ptr != NULL);
}

bool openai_read(struct str json, enum openai_endpoint endpoint, struct openai_chunk *out)
{
    static const struct openai_chunk nothing = {
        .token_ids = -1, .tokens_in = -1, .tokens_out = -1, .tokens_cached = -1};
    struct cursor c = {.at = json.ptr, .end = json.ptr + json.len};
    *out = nothing;
    if (json.len == 0)
        return false;
    out->is_done = str_is(str_trim(json), "[DONE]");
    if (out->is_done || read_object(&c, endpoint == OPENAI_CHAT, out))
        return true;
    *out = nothing;
    return false;
}
