#include "probe/mask.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define VALUE_CAP_BYTES ((size_t)1 << 20)

/* Words that make a name secret when they stand alone in it. */
static const char *const secret_words[] = {
    "key",  "apikey", "token", "auth",   "authorization", "bearer",
    "pass", "passwd", "pwd",   "cookie", "jwt",
};

/* Parts that make a name secret wherever they stand. */
static const char *const secret_parts[] = {
    "password", "passphrase", "secret",    "credential",  "apikey",
    "api_key",  "accesskey",  "authtoken", "accesstoken", "privatekey",
};

/* How tokens of known services begin, and the length from which a word is taken for
 * one. */
static const struct {
    const char *prefix;
    size_t least;
} token_shapes[] = {
    {"hf_", 12},   {"sk-", 12},         {"sk_", 20},    {"ghp_", 12},   {"gho_", 12},
    {"ghs_", 12},  {"github_pat_", 16}, {"glpat-", 12}, {"AKIA", 16},   {"ASIA", 16},
    {"xoxb-", 12}, {"xoxp-", 12},       {"eyJ", 30},    {"nvapi-", 12}, {"AIza", 30},
};

static bool contains(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text != '\0'; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return false;
}

static bool is_secret_word(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof secret_words / sizeof secret_words[0]; i++)
        if (strlen(secret_words[i]) == len &&
            strncasecmp(word, secret_words[i], len) == 0)
            return true;
    return false;
}

/* Length of the first word of a name: up to a separator, or to a capital after a small
 * one. */
static size_t word_len(const char *name)
{
    size_t n = 0;
    while (isalnum((unsigned char)name[n])) {
        n++;
        if (islower((unsigned char)name[n - 1]) && isupper((unsigned char)name[n]))
            break;
    }
    return n;
}

/* "token_counts": what is counted is no secret. */
static bool is_counted(const char *rest)
{
    return (*rest == '-' || *rest == '_') && strncasecmp(rest + 1, "count", 5) == 0;
}

bool mask_is_secret(const char *name)
{
    if (strcmp(name, "PWD") == 0 || strcmp(name, "OLDPWD") == 0)
        return false; /* the current folder */
    for (size_t i = 0; i < sizeof secret_parts / sizeof secret_parts[0]; i++)
        if (contains(name, secret_parts[i]))
            return true;
    while (*name != '\0') {
        size_t n = word_len(name);
        if (is_secret_word(name, n) && !is_counted(name + n))
            return true;
        name += n > 0 ? n : 1;
    }
    return false;
}

/* Length of a run of letters, digits and the marks of names and tokens. */
static size_t run_len(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || (text[n] != '\0' && strchr("_-.", text[n])))
        n++;
    return n;
}

static bool looks_like_token(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof token_shapes / sizeof token_shapes[0]; i++)
        if (len >= token_shapes[i].least &&
            strncmp(word, token_shapes[i].prefix, strlen(token_shapes[i].prefix)) == 0)
            return true;
    return false;
}

/* After "://": length of "user:pass", 0 where the authority has no '@'. What looks like
 * user or host and ':' may be a password with a '/' in it. */
static size_t userinfo_len(const char *authority)
{
    size_t n = strcspn(authority, "/?# \t\n\"'<>,");
    if (memchr(authority, '@', n) == NULL && memchr(authority, ':', n) != NULL)
        n = strcspn(authority, " \t\n\"'<>");
    while (n > 0 && authority[n - 1] != '@')
        n--;
    return n > 0 ? n - 1 : 0;
}

/* After a secret name: length of what binds it to its value (quotes, '=' or ':', blanks);
 * 0 where no value follows. "Bearer " before the value belongs to it. */
static size_t binding_len(const char *text, bool is_option)
{
    size_t n = 0;
    while (text[n] != '\0' && strchr("\"' \t\\", text[n]) != NULL)
        n++;
    if (text[n] == '=' || text[n] == ':')
        n++;
    else if (!(is_option && n > 0 && text[0] == ' '))
        return 0;
    while (text[n] != '\0' && strchr("\"' \t\\", text[n]) != NULL)
        n++;
    if (strncasecmp(text + n, "bearer ", 7) == 0 ||
        strncasecmp(text + n, "basic ", 6) == 0)
        n += strcspn(text + n, " ") + 1;
    return n;
}

/* Appends the run of `len` characters and, where it names a secret, masks the value
 * behind it. Returns how much was consumed. */
static size_t append_run(struct buf *out, const char *text, size_t len)
{
    if (looks_like_token(text, len)) {
        buf_text(out, MASK_TEXT);
        return len;
    }
    buf_append(out, text, len);
    char name[64];
    if (len >= sizeof name)
        return len;
    memcpy(name, text, len);
    name[len] = '\0';
    size_t binding = mask_is_secret(name) ? binding_len(text + len, name[0] == '-') : 0;
    if (binding == 0)
        return len;
    size_t value = strcspn(text + len + binding, " \t\n\"',;&}])\\");
    buf_append(out, text + len, binding);
    if (value > 0)
        buf_text(out, MASK_TEXT);
    return len + binding + value;
}

enum status mask_append(struct buf *out, const char *value)
{
    while (*value != '\0') {
        size_t n = run_len(value);
        if (n > 0) {
            value += append_run(out, value, n);
        } else if (strncmp(value, "://", 3) == 0) {
            buf_text(out, "://");
            value += 3;
            n = userinfo_len(value);
            if (n > 0)
                buf_text(out, MASK_TEXT);
            value += n;
        } else {
            buf_char(out, *value++);
        }
    }
    return out->failed;
}

const char *mask_value(const char *name, const char *value, struct arena *a)
{
    if (value == NULL)
        return NULL;
    if (mask_is_secret(name))
        return *value != '\0' ? MASK_TEXT : "";
    struct buf text;
    buf_init(&text, VALUE_CAP_BYTES);
    const char *out = MASK_TEXT; /* what cannot be looked through is not shown */
    if (mask_append(&text, value) == STATUS_OK)
        out = arena_strdup(a, buf_cstr(&text));
    buf_fini(&text);
    return out != NULL ? out : MASK_TEXT;
}
