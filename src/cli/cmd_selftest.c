/* inferbench selftest: the instrument measured on this machine. */
#include "cli/commands.h"
#include "run/selftest_json.h"
#include "cli/stop.h"
#include "engines/registry.h"

#define ARENA_CAP_BYTES ((size_t)256 << 20)
#define PRINT_CAP_BYTES ((size_t)32 << 20)
#define ENGINE          "openai"
#define FULL_S          50.0
#define QUICK_S         13.0

struct selftest_opts {
    bool json, quick, quiet;
    struct opt_doubles rates;
    int64_t streams;
};

#define AT(field) .offset = offsetof(struct selftest_opts, field)

static const struct opt selftest_table[] = {
    {.name = "rates",
     .type = OPT_DOUBLE_LIST,
     AT(rates),
     .min = 20,
     .max = 1e6,
     .fallback = "1000 10000 20000",
     .value_name = "N",
     .group = "Load",
     .help = "events/s to measure stamps and latencies at"},
    {.name = "streams",
     .type = OPT_INT,
     AT(streams),
     .min = 1,
     .max = 20000,
     .fallback = "1000",
     .group = "Load",
     .help = "concurrent streams at most; fewer if intervals would exceed 50 ms"},
    {.name = "quick",
     .type = OPT_FLAG,
     AT(quick),
     .fallback = "false",
     .group = "Load",
     .help = "under 15 s instead of a minute; high percentiles are not reported"},
    {.name = "json",
     .type = OPT_FLAG,
     AT(json),
     .fallback = "false",
     .group = "Output",
     .help = "print all numbers as JSON"},
    {.name = "quiet",
     .short_name = 'q',
     .type = OPT_FLAG,
     AT(quiet),
     .fallback = "false",
     .group = "Output",
     .help = "no live line"},
};

struct selftest_cmd {
    struct cli *cli;
    struct selftest_opts opts;
    struct arena arena;
    struct engine_ops ops;
    struct progress progress;
    struct selftest_result *result;
};

static void tick(void *arg, const struct engine_progress *p)
{
    (void)p;
    (void)arg; /* phase_run draws the load itself */
}

static void sort_rates(struct opt_doubles *rates)
{
    for (size_t i = 1; i < rates->count; i++)
        for (size_t k = i; k > 0 && rates->items[k - 1] > rates->items[k]; k--) {
            double held = rates->items[k];
            rates->items[k] = rates->items[k - 1];
            rates->items[k - 1] = held;
        }
}

static enum status check(struct selftest_cmd *c, const struct opt_parse *parse,
                         struct err *e)
{
    if (parse->positional.count + parse->rest.count > 0) {
        const char *word = parse->positional.count > 0 ? parse->positional.items[0]
                                                       : "--";
        (void)status_fail(e, STATUS_BAD_OPTION, word, "unexpected argument");
        return status_hint(e, "See inferbench selftest --help");
    }
    if (c->opts.rates.count == 0 || c->opts.rates.count > SELFTEST_RATES_MAX)
        return status_fail(e, STATUS_BAD_OPTION, "--rates",
                           "expected 1 to %d rates, got %zu", SELFTEST_RATES_MAX,
                           c->opts.rates.count);
    sort_rates(&c->opts.rates);
    return registry_find(ENGINE, ENGINE_ONLINE, &c->ops, e);
}

static enum status measure(struct selftest_cmd *c, struct err *e)
{
    const struct selftest_options options = {.rates_eps = c->opts.rates.items,
                                             .rate_count = c->opts.rates.count,
                                             .streams = c->opts.streams,
                                             .is_quick = c->opts.quick};
    const struct selftest_job job = {.options = &options,
                                     .ops = &c->ops,
                                     .progress = &c->progress,
                                     .watch = {.tick = tick, .stop = stop_requested}};
    c->result = arena_alloc(&c->arena, 1, sizeof *c->result);
    if (c->result == NULL)
        return status_fail(e, STATUS_NO_MEMORY, "selftest", "out of memory");
    stop_install(STOP_SELFTEST);
    progress_init(&c->progress, &c->cli->log, c->opts.quiet);
    c->progress.num_runs = 2;
    c->progress.planned_s = c->opts.quick ? QUICK_S : FULL_S;
    enum status s = selftest_run(&job, c->result, e);
    progress_end(&c->progress);
    return s;
}

static int print(struct selftest_cmd *c, struct wall start)
{
    struct machine_facts machine;
    struct cpu_facts cpu;
    char started[CLOCK_TEXT_BYTES];
    struct buf out;
    machine_probe("", &c->arena, &machine);
    cpu_probe("", &c->arena, &cpu);
    clock_iso_local(start, clock_utc_offset_s(start), started);
    const struct selftest_report report = {.result = c->result,
                                           .machine = &machine,
                                           .cpu = &cpu,
                                           .tool = c->cli->tool,
                                           .started = started,
                                           .is_quick = c->opts.quick};
    buf_init(&out, PRINT_CAP_BYTES);
    if (c->opts.json)
        selftest_json_write(&report, &out);
    else
        selftest_report_text(&report, &out);
    bool is_printed = out.failed == STATUS_OK && cli_print(c->cli, buf_cstr(&out));
    buf_fini(&out);
    if (!is_printed)
        return CLI_FAILED;
    return c->result->reasons.count == 0 ? CLI_DONE : CLI_INVALID;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct selftest_cmd c = {.cli = cli};
    struct opt_parse parse;
    struct err e;
    int code;
    struct wall start = clock_wall();
    arena_init(&c.arena, ARENA_CAP_BYTES);
    const struct cli_table table = {
        selftest_table, sizeof selftest_table / sizeof selftest_table[0], &c.opts};
    const struct cli_words words = {argc, argv};
    if (cli_parse(&table, &words, &c.arena, &parse, &e) != STATUS_OK ||
        check(&c, &parse, &e) != STATUS_OK || measure(&c, &e) != STATUS_OK)
        code = cli_fail(cli, &e);
    else
        code = print(&c, start);
    arena_fini(&c.arena);
    return code;
}

static const struct opt *table(size_t *count)
{
    *count = sizeof selftest_table / sizeof selftest_table[0];
    return selftest_table;
}

const struct cli_command cmd_selftest = {
    .name = "selftest",
    .synopsis = "[OPTIONS]",
    .summary = "Measure inferbench itself on this machine",
    .run = run,
    .table = table,
};
