/* inferbench merge: results of several machines into one file. */
#include <string.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/cli.h"
#include "store/merge.h"

struct merge_opts {
    const char *output;
    bool skips_bad;
};

static const struct opt merge_table[] = {
    OPT_ROW(struct merge_opts, output, "output", OPT_STRING, .short_name = 'o',
            .fallback = "merged_results.json", .group = "Output", .value_name = "FILE",
            .help = "the merged file"),
    OPT_ROW(struct merge_opts, skips_bad, "skip-bad", OPT_FLAG, .group = "Output",
            .help = "exit code 0 even if a file cannot be read"),
};

static void put_counts(const struct merge_result *r, const char *output, struct buf *out)
{
    buf_printf(out, "%s: %zu rows from %zu file%s", output, r->rows, r->files,
               str_plural((int64_t)r->files));
    if (r->failed_rows > 0)
        buf_printf(out, ", %zu of them of failed repeats", r->failed_rows);
    buf_char(out, '\n');
    for (size_t i = 0; i < r->machine_count; i++)
        buf_printf(out, "  %-20s %zu rows\n", r->machines[i].instance_type,
                   r->machines[i].rows);
    if (r->duplicates > 0)
        buf_printf(out, "skipped %zu duplicate%s\n", r->duplicates,
                   str_plural((int64_t)r->duplicates));
}

static void warn(struct cli *cli, const struct merge_result *r)
{
    for (size_t i = 0; i < r->skipped.count; i++)
        log_line(&cli->log, r->skipped.items[i].is_bad ? LOG_ERROR : LOG_WARN,
                 "inferbench: skipped %s", r->skipped.items[i].why);
    if (r->differing > 0)
        log_line(&cli->log, LOG_WARN,
                 "inferbench: %zu duplicate rows differ from the rows kept (those of the "
                 "earlier file)",
                 r->differing);
    if (r->refused > 0)
        log_line(&cli->log, LOG_WARN,
                 "inferbench: %zu rows keep their own instance type; TYPE=FILE fills in "
                 "only unknown ones",
                 r->refused);
    for (size_t i = 0; i < r->machine_count; i++)
        if (strcmp(r->machines[i].instance_type, "unknown") == 0)
            log_line(&cli->log, LOG_WARN,
                     "inferbench: %zu rows have no instance type. Name it: inferbench "
                     "merge g5.xlarge=FILE ...",
                     r->machines[i].rows);
}

static int run(struct cli_call *c)
{
    const struct merge_opts *opts = c->opts;
    struct input *inputs;
    struct merge_result result = {0};
    struct merge_options o = {.output = opts->output, .tool = c->cli->tool};
    o.now = clock_wall();
    o.utc_offset_s = clock_utc_offset_s(o.now);
    if (inputs_expand(&c->parse.positional, &c->arena, &inputs, &o.input_count, &c->e) !=
        STATUS_OK)
        return cli_fail(c->cli, &c->e);
    o.inputs = inputs;
    enum status st = merge_files(&o, &c->arena, &result, &c->e);
    if (st == STATUS_OK || st == STATUS_NOT_FOUND)
        warn(c->cli, &result);
    if (st != STATUS_OK)
        return cli_fail(c->cli, &c->e);
    struct buf out;
    buf_init(&out, (size_t)1 << 20);
    put_counts(&result, opts->output, &out);
    buf_printf(&out, "Next: inferbench analyze --results-file %s\n",
               path_word(opts->output, &c->arena));
    bool is_good = cli_print(c->cli, buf_cstr(&out)) &&
                   (result.skipped.bad_count == 0 || opts->skips_bad);
    buf_fini(&out);
    return is_good ? CLI_DONE : CLI_FAILED;
}

const struct cli_command cmd_merge = {
    .name = "merge",
    .synopsis = "[OPTIONS] FILE...",
    .summary = "Merge results of several machines into one file",
    .run = run,
    CLI_OPTIONS(merge_table, struct merge_opts),
    .operands_min = 1,
    .operands_max = CLI_MANY,
    .needs = "no results file given",
    .example = "merge g5/*.json inf2/*.json",
};
