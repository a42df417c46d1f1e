/* inferbench compare: are two results really different? */
#include "cli/cli.h"
#include "run/compare.h"

#define TEXT_CAP_BYTES ((size_t)64 << 20)

#define X(ctype, member, option, kind, ...) \
    OPT_ROW(struct compare_opts, member, option, kind, __VA_ARGS__),
static const struct opt compare_table[] = {COMPARE_OPTS_LIST(X)};
#undef X

static int run(struct cli_call *c)
{
    struct compare_job j = {.opts = c->opts,
                            .words = &c->parse.positional,
                            .log = &c->cli->log,
                            .arena = &c->arena};
    struct buf out;
    if (run_compare(&j, &c->e) != STATUS_OK)
        return cli_fail(c->cli, &c->e);
    buf_init(&out, TEXT_CAP_BYTES);
    bool is_printed = run_compare_text(&j, &out) == STATUS_OK &&
                      cli_print(c->cli, buf_cstr(&out));
    buf_fini(&out);
    if (!is_printed || j.unread > 0)
        return CLI_FAILED;
    return j.opts->fail_if_worse && compare_has_worse(&j.compare) ? CLI_INVALID
                                                                  : CLI_DONE;
}

const struct cli_command cmd_compare = {
    .name = "compare",
    .synopsis = "[OPTIONS] A B",
    .summary = "Tell whether two results really differ, with an error probability",
    .run = run,
    CLI_OPTIONS(compare_table, struct compare_opts),
    .operands_min = 1,
    .operands_max = CLI_MANY,
    .needs = "expected two results",
    .example = "compare before/ after/",
};
