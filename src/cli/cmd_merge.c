/* inferbench merge: results of several machines into one file. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/commands.h"
#include "store/merge.h"

#define ARENA_CAP_BYTES ((size_t)4 << 30)
#define PRINT_CAP_BYTES ((size_t)1 << 20)

struct merge_opts {
    const char *output;
    bool skips_bad;
};

static const struct opt merge_table[] = {
    {.name = "output",
     .short_name = 'o',
     .type = OPT_STRING,
     .offset = offsetof(struct merge_opts, output),
     .fallback = "merged_results.json",
     .group = "Output",
     .value_name = "FILE",
     .help = "the merged file"},
    {.name = "skip-bad",
     .type = OPT_FLAG,
     .offset = offsetof(struct merge_opts, skips_bad),
     .group = "Output",
     .help = "exit code 0 even if a file cannot be read"},
};

static void put_counts(const struct merge_result *r, const char *output, struct buf *out)
{
    buf_printf(out, "%s: %zu rows from %zu file%s", output, r->rows, r->files,
               r->files == 1 ? "" : "s");
    if (r->failed_rows > 0)
        buf_printf(out, ", %zu of them of failed repeats", r->failed_rows);
    buf_char(out, '\n');
    for (size_t i = 0; i < r->machine_count; i++)
        buf_printf(out, "  %-20s %zu rows\n", r->machines[i].instance_type,
                   r->machines[i].rows);
    if (r->duplicates > 0)
        buf_printf(out, "skipped %zu duplicate%s\n", r->duplicates,
                   r->duplicates == 1 ? "" : "s");
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

static enum status make_folder(const char *output, struct arena *a, struct err *e)
{
    size_t len = (size_t)(file_base_name(output) - output);
    if (len == 0)
        return STATUS_OK;
    const char *folder = arena_str(a, (struct str){.ptr = output, .len = len});
    if (folder == NULL)
        return status_fail(e, STATUS_NO_MEMORY, output, "no memory");
    return file_make_dirs(folder, e);
}

static int merge(struct cli *cli, const struct merge_opts *opts,
                 const struct opt_strings *words, struct arena *a)
{
    struct input *inputs;
    struct merge_result result = {0};
    struct merge_options o = {.output = opts->output, .tool = cli->tool};
    struct err e;
    o.now = clock_wall();
    o.utc_offset_s = clock_utc_offset_s(o.now);
    if (inputs_expand(words, a, &inputs, &o.input_count, &e) != STATUS_OK)
        return cli_fail(cli, &e);
    o.inputs = inputs;
    enum status st = make_folder(opts->output, a, &e);
    if (st == STATUS_OK)
        st = merge_files(&o, a, &result, &e);
    if (st == STATUS_OK || st == STATUS_NOT_FOUND)
        warn(cli, &result);
    if (st != STATUS_OK)
        return cli_fail(cli, &e);
    struct buf out;
    buf_init(&out, PRINT_CAP_BYTES);
    put_counts(&result, opts->output, &out);
    buf_printf(&out, "Next: inferbench analyze --results-file %s\n", opts->output);
    bool is_printed = cli_print(cli, buf_cstr(&out));
    buf_fini(&out);
    bool is_good = is_printed && (result.skipped.bad_count == 0 || opts->skips_bad);
    return is_good ? CLI_DONE : CLI_FAILED;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct merge_opts opts;
    struct opt_parse parse;
    struct arena a;
    struct err e;
    int code;
    arena_init(&a, ARENA_CAP_BYTES);
    const struct cli_table table = {merge_table,
                                    sizeof merge_table / sizeof merge_table[0], &opts};
    if (cli_parse(&table, &(struct cli_words){argc, argv}, &a, &parse, &e) != STATUS_OK) {
        code = cli_fail(cli, &e);
    } else if (parse.positional.count == 0) {
        status_fail(&e, STATUS_BAD_OPTION, "merge", "no results file given");
        status_hint(&e, "Write e.g. inferbench merge g5/*.json inf2/*.json");
        code = cli_fail(cli, &e);
    } else {
        code = merge(cli, &opts, &parse.positional, &a);
    }
    arena_fini(&a);
    return code;
}

static const struct opt *table(size_t *count)
{
    *count = sizeof merge_table / sizeof merge_table[0];
    return merge_table;
}

const struct cli_command cmd_merge = {
    .name = "merge",
    .synopsis = "[OPTIONS] FILE...",
    .summary = "Merge results of several machines into one file",
    .run = run,
    .table = table,
};
