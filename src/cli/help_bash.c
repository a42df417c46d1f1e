#include "cli/help_bash.h"

#include <string.h>

#include "cli/commands.h"
#include "engines/registry.h"

/* The last option before the cursor may take several words. */
static const char begin[] =
    "# Completion of inferbench's command lines; made by: inferbench help --bash\n"
    "_inferbench()\n"
    "{\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1)) words=\n"
    "    [[ $word != = ]] || word=\n"
    "    while [[ $at -gt 1 && ${COMP_WORDS[at]} != -* ]]; do at=$((at - 1)); done\n"
    "    case $COMP_CWORD:${COMP_WORDS[1]} in\n";

static const char end[] =
    "    esac\n"
    "    [[ -z $words ]] || COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
    "}\n"
    "complete -o default -F _inferbench inferbench\n";

static void put_choices(const struct opt *o, struct buf *out)
{
    buf_printf(out, "        --%s) words='", o->name);
    for (const char *c = o->choices; *c != '\0'; c++)
        buf_char(out, *c == '|' ? ' ' : *c);
    buf_text(out, "' ;;\n");
}

/* The engines of offline runs: names from another table than that of the options. */
static void put_engines(struct buf *out)
{
    buf_text(out, "        --engine) words='");
#define X(ops)                      \
    if (ops.flags & ENGINE_OFFLINE) \
        buf_printf(out, "%s ", ops.name);
    REGISTRY_LIST(X)
#undef X
    buf_text(out, "' ;;\n");
}

/* A command whose usage begins with a word of its own: "sync [OPTIONS]". */
static void put_verb(const struct cli_command *c, struct buf *out)
{
    size_t len = strspn(c->synopsis, "abcdefghijklmnopqrstuvwxyz");
    if (len > 0)
        buf_printf(out, "        [[ $COMP_CWORD != 2 || $word = -* ]] || words='%.*s'\n",
                   (int)len, c->synopsis);
}

static void put_names(const char *first, struct buf *out)
{
    buf_printf(out, "%s", first);
    for (size_t i = 0; i < commands_count; i++)
        buf_printf(out, " %s", commands_table[i]->name);
    buf_text(out, "' ;;\n");
}

static void put_command(const struct cli_command *c, struct buf *out)
{
    buf_printf(out, "    *:%s)\n        case ${COMP_WORDS[at]} in\n", c->name);
    for (size_t i = 0; i < c->option_count; i++)
        if (c->options[i].choices != NULL)
            put_choices(&c->options[i], out);
        else if (strcmp(c->options[i].name, "engine") == 0)
            put_engines(out);
    buf_text(out, "        esac\n        [[ $word != -* ]] || words='--help");
    for (size_t i = 0; i < c->option_count; i++)
        buf_printf(out, " --%s", c->options[i].name);
    buf_text(out, "'\n");
    put_verb(c, out);
    buf_text(out, "        ;;\n");
}

void help_bash_put(struct buf *out)
{
    buf_text(out, begin);
    put_names("    1:*) words='help --help --version", out);
    put_names("    2:help) words='--bash --man", out);
    for (size_t i = 0; i < commands_count; i++)
        put_command(commands_table[i], out);
    buf_text(out, end);
}
