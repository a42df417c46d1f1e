/* Words of a command line, one a line of the input, against the tables of `offline` and
 * `online`. What was accepted is accepted again when written back. */
#include <string.h>

#include "base/opt.h"
#include "base/opt_value.h"
#include "run/opts.h"

#include "fuzz_target.h"

enum { MAX_WORDS = 100, CAP_BYTES = 1 << 22 };

struct words {
    char *items[MAX_WORDS];
    int count;
};

static void split(char *text, struct words *out)
{
    out->count = 0;
    while (out->count < MAX_WORDS && *text != '\0') {
        out->items[out->count++] = text;
        text += strcspn(text, "\n");
        if (*text != '\0')
            *text++ = '\0';
    }
}

static struct opt_parse parse_of(enum engine_flag mode, struct run_opts *opts,
                                 struct arena *a)
{
    struct opt_parse p = {.target = opts, .arena = a};
    p.table = mode == ENGINE_OFFLINE ? run_opts_offline : run_opts_online;
    p.count = mode == ENGINE_OFFLINE ? RUN_OPTS_OFFLINE : RUN_OPTS_ONLINE;
    enum status status = opt_init(&p, NULL);
    TARGET_CHECK(status == STATUS_OK);
    return p;
}

/* Numbers, choices and lists of numbers have one text. */
static bool has_one_text(const struct opt *o)
{
    return o->type == OPT_INT || o->type == OPT_DOUBLE || o->type == OPT_CHOICE ||
           o->type == OPT_FLAG || o->type == OPT_DURATION || o->type == OPT_INT_LIST ||
           o->type == OPT_DOUBLE_LIST;
}

static void write_and_read(const struct opt_parse *p, struct opt_parse *again,
                           const struct opt *o)
{
    struct buf text, text_again;
    struct words words;
    buf_init(&text, CAP_BYTES);
    buf_init(&text_again, CAP_BYTES);
    enum status status = opt_text(p, o, &text);
    TARGET_CHECK(status == STATUS_OK);
    char *copy = arena_strdup(p->arena, buf_cstr(&text));
    if (copy == NULL || *copy == '\0' || !has_one_text(o))
        goto out;
    for (char *c = copy; *c != '\0'; c++)
        if (*c == ' ')
            *c = '\n';
    split(copy, &words);
    struct opt_strings list = {.items = (const char **)words.items,
                               .count = (size_t)words.count};
    if (words.count == MAX_WORDS)
        goto out;
    status = opt_set(again, o->name, &list, "again", NULL);
    TARGET_CHECK(status == STATUS_OK);
    status = opt_text(again, o, &text_again);
    TARGET_CHECK(status == STATUS_OK);
    TARGET_CHECK(strcmp(buf_cstr(&text), buf_cstr(&text_again)) == 0);
out:
    buf_fini(&text);
    buf_fini(&text_again);
}

static void check_error(const struct err *e)
{
    char line[sizeof *e + 16];
    status_format(e, line, sizeof line);
    TARGET_CHECK(e->code != STATUS_INTERNAL && e->code != STATUS_OK);
    TARGET_CHECK(e->where[0] != '\0' && e->what[0] != '\0');
}

static void read_words(enum engine_flag mode, struct str input)
{
    struct arena a;
    struct words words;
    struct run_opts opts, opts_again;
    struct err e = {0};
    arena_init(&a, CAP_BYTES);
    char *text = arena_str(&a, input);
    if (text != NULL) {
        split(text, &words);
        struct opt_parse p = parse_of(mode, &opts, &a);
        struct opt_parse again = parse_of(mode, &opts_again, &a);
        if (opt_read_argv(&p, words.count, words.items, &e) != STATUS_OK)
            check_error(&e);
        else
            for (size_t i = 0; i < p.count; i++)
                write_and_read(&p, &again, &p.table[i]);
    }
    arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {.ptr = (const char *)data, .len = size};
    read_words(ENGINE_OFFLINE, input);
    read_words(ENGINE_ONLINE, input);
    return 0;
}
