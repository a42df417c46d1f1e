#include "cli/run_words.h"

#include <string.h>

#include "base/str.h"
#include "probe/mask.h"
#include "run/mode.h"
#include "text/jsonw.h"

#define TEXT_CAP_BYTES ((size_t)64 << 20)

/* A word, masked where the one before it names a secret. */
static const char *masked_word(struct run *r, const char *before, const char *word)
{
    bool is_value = word[0] != '-' && before != NULL && mask_is_secret(before);
    return mask_value(is_value ? before : "", word, r->arena);
}

/* What is recorded of an option's value. */
static const char *masked_value(struct run *r, const struct opt *o, const char *value)
{
    struct str hidden = opt_hidden_part(o, value);
    if (o->is_address && hidden.len > 0)
        value = arena_printf(r->arena, "%.*s***%s", (int)(hidden.ptr - value), value,
                             hidden.ptr + hidden.len);
    return mask_value(o->name, value, r->arena);
}

static const char *options_text(struct run *r)
{
    struct buf out, value;
    struct jsonw w;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < r->parse->count; i++) {
        buf_init(&value, TEXT_CAP_BYTES);
        const struct opt *o = &r->parse->table[i];
        opt_text(r->parse, o, &value);
        jsonw_str(&w, o->name, masked_value(r, o, buf_cstr(&value)));
        buf_fini(&value);
    }
    jsonw_array(&w, "rest");
    const char **rest = r->parse->rest.items;
    for (size_t i = 0; i < r->parse->rest.count; i++)
        jsonw_str(&w, NULL, masked_word(r, i > 0 ? rest[i - 1] : NULL, rest[i]));
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    const char *text = arena_strdup(r->arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

/* The option that a word of the command line is; NULL where it is none. */
static const struct opt *option_of(struct run *r, const char *word)
{
    struct str rest = str_from(word);
    if (!str_starts(rest, "--"))
        return NULL;
    struct str name = str_cut(&rest, '=');
    const char *text = arena_str(r->arena, name);
    return text != NULL ? opt_find(r->parse, text + 2) : NULL;
}

/* The words of the command line; values of secret and private options (already
 * overwritten) and of secret-looking ones are masked. */
static const char *command_text(struct run *r, const struct cli_words *words)
{
    struct buf out;
    struct jsonw w;
    bool is_secret = false, is_rest = false;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_array(&w, NULL);
    jsonw_str(&w, NULL, "inferbench");
    jsonw_str(&w, NULL, r->mode->name);
    for (int i = 0; i < words->argc; i++) {
        char **argv = words->argv;
        const struct opt *o = is_rest ? NULL : option_of(r, argv[i]);
        is_rest = is_rest || strcmp(argv[i], "--") == 0;
        is_secret = o != NULL ? o->is_secret || o->is_private
                              : is_secret && argv[i][0] != '-';
        if (is_secret && o == NULL)
            jsonw_str(&w, NULL, "***");
        else if (is_secret && strchr(argv[i], '=') != NULL)
            jsonw_str(&w, NULL, arena_printf(r->arena, "--%s=***", o->name));
        else
            jsonw_str(&w, NULL, masked_word(r, i > 0 ? argv[i - 1] : NULL, argv[i]));
    }
    jsonw_array_end(&w);
    const char *text = arena_strdup(r->arena, buf_cstr(&out));
    buf_fini(&out);
    return text;
}

enum status run_words_record(struct run *r, const struct cli_words *w,
                             struct run_command *out, struct err *e)
{
    bool has_asked = opt_source_of(r->parse, "percentiles") != OPT_FROM_DEFAULT;
    *out = (struct run_command){options_text(r), command_text(r, w), has_asked};
    return out->options_json != NULL && out->words_json != NULL
               ? STATUS_OK
               : status_no_memory(e, "options");
}
