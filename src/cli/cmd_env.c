/* inferbench env: shows and records the machine. */
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "run/env_show.h"

#define PRINT_CAP_BYTES ((size_t)32 << 20)

struct env_opts {
    bool json, engines, check, no_imds;
    const char *python, *output;
};

static const struct opt env_table[] = {
    OPT_ROW(struct env_opts, json, "json", OPT_FLAG, .fallback = "false",
            .group = "Output", .help = "print JSON, as stored by every run"),
    OPT_ROW(struct env_opts, engines, "engines", OPT_FLAG, .fallback = "false",
            .group = "Output",
            .help = "list the Python interpreters found, with their vLLM versions"),
    OPT_ROW(struct env_opts, check, "check", OPT_FLAG, .fallback = "false",
            .group = "Output",
            .help = "check whether a benchmark can run here; exit code 3 if something is "
                    "missing"),
    OPT_ROW(struct env_opts, output, "output", OPT_STRING, .short_name = 'o',
            .group = "Output", .value_name = "FILE",
            .help = "output file; a name ending in .json implies --json"),
    OPT_ROW(struct env_opts, python, "python", OPT_STRING, .group = "Machine",
            .value_name = "PROGRAM",
            .help = "Python interpreter to record; unset: the first one with vLLM"),
    OPT_ROW(struct env_opts, no_imds, "no-imds", OPT_FLAG, .fallback = "false",
            .group = "Machine", .help = "do not query the EC2 metadata service"),
};

static enum status put_out(struct cli_call *c, const struct buf *out)
{
    const struct env_opts *o = c->opts;
    if (out->failed != STATUS_OK)
        return status_fail(&c->e, out->failed, "env", "%s", status_text(out->failed));
    if (o->output != NULL)
        return file_replace(o->output, (struct str){buf_cstr(out), out->len}, &c->e);
    if (!cli_print(c->cli, buf_cstr(out)))
        return status_fail(&c->e, STATUS_IO, "standard output", "cannot be written");
    return STATUS_OK;
}

static int run(struct cli_call *c)
{
    const struct env_opts *o = c->opts;
    struct buf out;
    bool is_short = false;
    size_t len = o->output != NULL ? strlen(o->output) : 0;
    bool is_json_file = len > 5 && strcmp(o->output + len - 5, ".json") == 0;
    const struct env_query q = {.as_json = o->json || is_json_file,
                                .no_imds = o->no_imds,
                                .python = o->python,
                                .tool = c->cli->tool,
                                .arena = &c->arena,
                                .out = &out};
    buf_init(&out, PRINT_CAP_BYTES);
    enum status s = o->engines ? env_show_engines(&q, &c->e)
                    : o->check ? env_show_check(&q, &is_short, &c->e)
                               : env_show_machine(&q, &c->e);
    if (s == STATUS_OK)
        s = put_out(c, &out);
    buf_fini(&out);
    if (s != STATUS_OK)
        return cli_fail(c->cli, &c->e);
    return is_short ? CLI_INVALID : CLI_DONE;
}

const struct cli_command cmd_env = {
    .name = "env",
    .synopsis = "[OPTIONS]",
    .summary = "Show and record the machine and its software",
    .run = run,
    CLI_OPTIONS(env_table, struct env_opts),
};
