/* inferbench env: shows and records the machine. */
#include <string.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/env_check.h"
#include "engines/vllm_python.h"
#include "probe/env.h"
#include "text/jsonw.h"

#define ARENA_CAP_BYTES ((size_t)256 << 20)
#define PRINT_CAP_BYTES ((size_t)32 << 20)

struct env_opts {
    bool json, engines, check, no_imds;
    const char *python, *output;
};

#define AT(field) .offset = offsetof(struct env_opts, field)

static const struct opt env_table[] = {
    {.name = "json",
     .type = OPT_FLAG,
     AT(json),
     .fallback = "false",
     .group = "Output",
     .help = "print JSON, as stored by every run"},
    {.name = "engines",
     .type = OPT_FLAG,
     AT(engines),
     .fallback = "false",
     .group = "Output",
     .help = "list the Python interpreters found, with their vLLM versions"},
    {.name = "check",
     .type = OPT_FLAG,
     AT(check),
     .fallback = "false",
     .group = "Output",
     .help =
         "check whether a benchmark can run here; exit code 3 if something is missing"},
    {.name = "output",
     .short_name = 'o',
     .type = OPT_STRING,
     AT(output),
     .group = "Output",
     .value_name = "FILE",
     .help = "output file; a name ending in .json implies --json"},
    {.name = "python",
     .type = OPT_STRING,
     AT(python),
     .group = "Machine",
     .value_name = "PROGRAM",
     .help = "Python interpreter to record; unset: the first one with vLLM"},
    {.name = "no-imds",
     .type = OPT_FLAG,
     AT(no_imds),
     .fallback = "false",
     .group = "Machine",
     .help = "do not query the EC2 metadata service"},
};

/* One invocation. */
struct env_job {
    struct cli *cli;
    struct env_opts opts;
    struct arena arena;
    struct buf out;
    struct err e;
};

static enum status put_out(struct env_job *j)
{
    if (j->out.failed != STATUS_OK)
        return status_fail(&j->e, j->out.failed, "env", "%s", status_text(j->out.failed));
    if (j->opts.output != NULL)
        return file_replace(j->opts.output, (struct str){buf_cstr(&j->out), j->out.len},
                            &j->e);
    if (!cli_print(j->cli, buf_cstr(&j->out)))
        return status_fail(&j->e, STATUS_IO, "standard output", "cannot be written");
    return STATUS_OK;
}

static const char *why_not(const struct vllm_python *p)
{
    return p->python == NULL ? "does not run" : "has no vLLM";
}

static enum status list_engines(struct env_job *j)
{
    struct vllm_python *list = NULL;
    size_t count = 0;
    if (vllm_python_list(j->opts.python, &j->arena, &list, &count, &j->e) != STATUS_OK)
        return j->e.code;
    struct jsonw w;
    jsonw_init(&w, &j->out, 2);
    if (j->opts.json)
        jsonw_array(&w, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct vllm_python *p = &list[i];
        if (j->opts.json) {
            jsonw_object(&w, NULL);
            jsonw_str(&w, "path", p->path);
            jsonw_str(&w, "source", p->source);
            jsonw_str(&w, "python", p->python);
            jsonw_str(&w, "vllm", p->vllm);
            jsonw_str(&w, "vllm_neuron", p->neuron);
            jsonw_object_end(&w);
            continue;
        }
        buf_printf(&j->out, "%s\n    %s%s%s%s (named by %s)\n", p->path,
                   p->vllm != NULL ? "vLLM " : why_not(p), p->vllm != NULL ? p->vllm : "",
                   p->neuron != NULL ? ", vllm-neuron " : "",
                   p->neuron != NULL ? p->neuron : "", p->source);
    }
    if (j->opts.json) {
        jsonw_array_end(&w);
        buf_char(&j->out, '\n');
    }
    return STATUS_OK;
}

static enum status show_env(struct env_job *j, const char *json)
{
    if (!j->opts.json)
        return env_text(json, &j->out, &j->e);
    /* no engine is running: its settings are not known */
    const char *whole = arena_printf(&j->arena, "%.*s,\"engine\":null}",
                                     (int)(strlen(json) - 1), json);
    if (whole == NULL)
        return status_fail(&j->e, STATUS_NO_MEMORY, "env", "out of memory");
    struct jsonw w;
    jsonw_init(&w, &j->out, 2);
    jsonw_raw(&w, NULL, whole);
    buf_char(&j->out, '\n');
    return STATUS_OK;
}

static enum status show_machine(struct env_job *j, bool *is_short)
{
    struct vllm_python python;
    struct err why;
    char text[1024];
    bool is_found = vllm_python_find(j->opts.python, &j->arena, &python, &why) ==
                    STATUS_OK;
    const struct env_request q = {
        .python = is_found ? python.path : j->opts.python,
        .use_imds = !j->opts.no_imds,
        .tool = j->cli->tool,
    };
    struct env env;
    if (env_collect(&q, &j->arena, &env, &j->e) != STATUS_OK)
        return j->e.code;
    if (!j->opts.check)
        return show_env(j, env.json);
    if (!is_found)
        status_format(&why, text, sizeof text);
    const struct env_check_facts facts = {env.json, is_found ? &python : NULL, text};
    struct env_check_list list;
    env_check_all(&facts, &j->arena, &list);
    *is_short = env_check_is_short(&list);
    if (j->opts.json)
        env_check_json(&list, &j->out);
    else
        env_check_text(&list, &j->out);
    return STATUS_OK;
}

static int answer(struct env_job *j)
{
    bool is_short = false;
    size_t len = j->opts.output != NULL ? strlen(j->opts.output) : 0;
    if (len > 5 && strcmp(j->opts.output + len - 5, ".json") == 0)
        j->opts.json = true;
    enum status code = j->opts.engines ? list_engines(j) : show_machine(j, &is_short);
    if (code != STATUS_OK || put_out(j) != STATUS_OK)
        return cli_fail(j->cli, &j->e);
    return is_short ? CLI_INVALID : CLI_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct env_job j = {.cli = cli};
    struct opt_parse parse;
    int code;
    arena_init(&j.arena, ARENA_CAP_BYTES);
    buf_init(&j.out, PRINT_CAP_BYTES);
    const struct cli_table table = {env_table, sizeof env_table / sizeof env_table[0],
                                    &j.opts};
    const struct cli_words words = {argc, argv};
    if (cli_parse(&table, &words, &j.arena, &parse, &j.e) != STATUS_OK) {
        code = cli_fail(cli, &j.e);
    } else if (parse.positional.count + parse.rest.count > 0) {
        const char *word = parse.positional.count > 0 ? parse.positional.items[0] : "--";
        status_fail(&j.e, STATUS_BAD_OPTION, word, "unexpected argument");
        status_hint(&j.e, "See inferbench env --help");
        code = cli_fail(cli, &j.e);
    } else {
        code = answer(&j);
    }
    buf_fini(&j.out);
    arena_fini(&j.arena);
    return code;
}

static const struct opt *table(size_t *count)
{
    *count = sizeof env_table / sizeof env_table[0];
    return env_table;
}

const struct cli_command cmd_env = {
    .name = "env",
    .synopsis = "[OPTIONS]",
    .summary = "Show and record the machine and its software",
    .run = run,
    .table = table,
};
