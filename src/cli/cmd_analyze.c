/* inferbench analyze: results to plots, text report and the answer. */
#include "cli/cli.h"
#include "run/analyze.h"

#define TEXT_CAP_BYTES ((size_t)64 << 20)

#define X(ctype, member, option, kind, ...) \
    OPT_ROW(struct analyze_opts, member, option, kind, __VA_ARGS__),
static const struct opt analyze_table[] = {ANALYZE_OPTS_LIST(X)};
#undef X

static int run(struct cli_call *c)
{
    struct analyze a = {.opts = c->opts,
                        .words = &c->parse.positional,
                        .tool = c->cli->tool,
                        .log = &c->cli->log,
                        .arena = &c->arena};
    struct buf out;
    if (run_analyze(&a, &c->e) != STATUS_OK)
        return cli_fail(c->cli, &c->e);
    buf_init(&out, TEXT_CAP_BYTES);
    run_analyze_text(&a, &out);
    bool is_printed = out.failed == STATUS_OK && cli_print(c->cli, buf_cstr(&out));
    buf_fini(&out);
    return is_printed && run_analyze_is_whole(&a) ? CLI_DONE : CLI_FAILED;
}

const struct cli_command cmd_analyze = {
    .name = "analyze",
    .synopsis = "[OPTIONS] [PATH...]",
    .summary = "Turn results into plots, a report and verdicts",
    .run = run,
    CLI_OPTIONS(analyze_table, struct analyze_opts),
    .operands_max = CLI_MANY,
};
