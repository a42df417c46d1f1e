/* inferbench recover: rebuilds the files of a run from its journal. */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/commands.h"
#include "report/table.h"
#include "store/journal_read.h"
#include "store/results.h"

#define ARENA_CAP_BYTES ((size_t)16 << 30)
#define PRINT_CAP_BYTES ((size_t)16 << 20)

struct recover_opts {
    const char *output_dir;
};

static const struct opt recover_table[] = {
    {.name = "output-dir",
     .type = OPT_STRING,
     .offset = offsetof(struct recover_opts, output_dir),
     .group = "Output",
     .value_name = "DIR",
     .help = "where the files go; unset: the folder that holds RAW_DIR"},
};

/* RAW_DIR's own parent, in the arena. */
static const char *parent_of(const char *raw_dir, struct arena *a)
{
    size_t len = strlen(raw_dir);
    while (len > 1 && raw_dir[len - 1] == '/')
        len--;
    while (len > 0 && raw_dir[len - 1] != '/')
        len--;
    while (len > 1 && raw_dir[len - 1] == '/')
        len--;
    return len == 0 ? "." : arena_str(a, (struct str){raw_dir, len});
}

static int rebuild(struct cli *cli, const char *raw_dir, const char *output_dir,
                   struct arena *a)
{
    struct run_data run;
    struct journal_note note;
    struct results results;
    struct buf out;
    struct err e;
    const char *path = arena_printf(a, "%s/journal.jsonl", raw_dir);
    if (path == NULL || journal_read(path, a, &run, &note, &e) != STATUS_OK ||
        results_build(&run, output_dir, a, &results, &e) != STATUS_OK ||
        file_make_dirs(output_dir, &e) != STATUS_OK ||
        results_write(&run, &results, &e) != STATUS_OK)
        return cli_fail(cli, &e);
    if (note.was_cut)
        log_line(&cli->log, LOG_WARN,
                 "%s: the last line was cut by a crash and is left out", path);
    buf_init(&out, PRINT_CAP_BYTES);
    if (table_run(&run, results.cells, results.cell_count, &out, &e) != STATUS_OK)
        log_error(&cli->log, &e);
    buf_printf(&out, "\nRebuilt from %zu repeats%s\n  %s\n  %s\n  %s\n", run.repeat_count,
               run.is_complete ? "" : " (the run did not reach its end)",
               results.results_path, results.summary_path, results.env_path);
    bool is_printed = cli_print(cli, buf_cstr(&out));
    buf_fini(&out);
    return is_printed ? CLI_DONE : CLI_FAILED;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct recover_opts opts;
    struct opt_parse parse;
    struct arena a;
    struct err e;
    int code;
    arena_init(&a, ARENA_CAP_BYTES);
    const struct cli_table table = {
        recover_table, sizeof recover_table / sizeof recover_table[0], &opts};
    if (cli_parse(&table, &(struct cli_words){argc, argv}, &a, &parse, &e) != STATUS_OK) {
        code = cli_fail(cli, &e);
    } else if (parse.positional.count != 1) {
        status_fail(&e, STATUS_BAD_OPTION, "recover", "needs one RAW_DIR, not %zu",
                    parse.positional.count);
        status_hint(&e, "Write e.g. inferbench recover results/raw_20261124_090000");
        code = cli_fail(cli, &e);
    } else {
        const char *raw = parse.positional.items[0];
        const char *dir = opts.output_dir != NULL ? opts.output_dir : parent_of(raw, &a);
        code = rebuild(cli, raw, dir, &a);
    }
    arena_fini(&a);
    return code;
}

const struct cli_command cmd_recover = {
    .name = "recover",
    .synopsis = "[OPTIONS] RAW_DIR",
    .summary = "Rebuilds the files of a run from its journal",
    .run = run,
    .options = recover_table,
    .option_count = sizeof recover_table / sizeof recover_table[0],
};
