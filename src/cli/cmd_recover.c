/* inferbench recover: rebuilds the files of a run from its journal. */
#include "cli/cli.h"
#include "report/table.h"
#include "run/recover.h"
#include "store/journal_read.h"

#define PRINT_CAP_BYTES ((size_t)16 << 20)

struct recover_opts {
    const char *output_dir;
};

static const struct opt recover_table[] = {
    OPT_ROW(struct recover_opts, output_dir, "output-dir", OPT_STRING, .group = "Output",
            .value_name = "DIR", .help = "output folder; unset: the parent of RAW_DIR"),
};

static int rebuild(struct cli *cli, const struct recover_from *from, struct arena *a)
{
    const char *raw_dir;
    struct recovery r;
    struct buf out;
    struct err e;
    if (run_recover(from, a, &r, &raw_dir, &e) != STATUS_OK)
        return cli_fail(cli, &e);
    journal_read_warn(&r.note, raw_dir, &cli->log);
    buf_init(&out, PRINT_CAP_BYTES);
    const struct table_input table = {&r.run, r.results.rows, r.results.cells,
                                      r.results.cell_count};
    if (table_run(&table, &out, &e) != STATUS_OK)
        log_error(&cli->log, &e);
    buf_printf(&out, "\nRebuilt from %zu repeats%s\n  %s\n  %s\n  %s\n",
               r.run.repeat_count, r.run.is_complete ? "" : " (the run did not finish)",
               r.results.results_path, r.results.summary_path, r.results.env_path);
    bool is_printed = cli_print(cli, buf_cstr(&out));
    buf_fini(&out);
    return is_printed ? CLI_DONE : CLI_FAILED;
}

static int run(struct cli_call *c)
{
    const struct recover_opts *o = c->opts;
    const struct recover_from from = {(const char *const *)c->parse.positional.items,
                                      c->parse.positional.count, o->output_dir};
    return rebuild(c->cli, &from, &c->arena);
}

const struct cli_command cmd_recover = {
    .name = "recover",
    .synopsis = "[OPTIONS] RAW_DIR...",
    .summary = "Rebuild the files of a run from its journal",
    .run = run,
    CLI_OPTIONS(recover_table, struct recover_opts),
    .operands_min = 1,
    .operands_max = CLI_MANY,
    .needs = "expected a RAW_DIR",
    .example = "recover results/raw_20261124_090000",
};
