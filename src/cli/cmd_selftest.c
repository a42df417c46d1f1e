/* inferbench selftest: the instrument measured on this machine. */
#include "cli/floor_job.h"
#include "cli/stop.h"
#include "engines/registry.h"
#include "run/selftest_json.h"

#define PRINT_CAP_BYTES ((size_t)32 << 20)
#define ENGINE          "openai"

struct selftest_opts {
    bool json, quick, quiet;
    struct opt_doubles rates;
    int64_t streams;
    struct floor_opts floor;
};

static const struct opt selftest_table[] = {
    OPT_ROW(struct selftest_opts, rates, "rates", OPT_DOUBLE_LIST, .min = 20, .max = 1e6,
            .fallback = "1000 10000 20000", .value_name = "N", .group = "Load",
            .help = "events/s to measure stamps and latencies at"),
    OPT_ROW(struct selftest_opts, streams, "streams", OPT_INT, .min = 1, .max = 20000,
            .fallback = "1000", .group = "Load",
            .help = "concurrent streams at most; fewer if intervals would exceed 50 ms"),
    OPT_ROW(struct selftest_opts, quick, "quick", OPT_FLAG, .fallback = "false",
            .group = "Load",
            .help = "under 15 s instead of a minute; high percentiles are not reported"),
    OPT_ROW(struct selftest_opts, json, "json", OPT_FLAG, .fallback = "false",
            .group = "Output", .help = "print all numbers as JSON"),
    OPT_ROW(struct selftest_opts, quiet, "quiet", OPT_FLAG, .short_name = 'q',
            .fallback = "false", .group = "Output", .help = "no live line"),
    FLOOR_OPTS_LIST(struct selftest_opts, floor),
};

static enum status measure(struct cli_call *c, struct selftest_result *out)
{
    struct selftest_opts *o = c->opts;
    struct engine_ops ops;
    const struct selftest_options options = {o->rates.items, o->rates.count, o->streams,
                                             o->quick};
    const struct selftest_job job = {.options = &options,
                                     .ops = &ops,
                                     .log = &c->cli->log,
                                     .is_quiet = o->quiet,
                                     .stop = stop_requested};
    if (registry_find(ENGINE, ENGINE_ONLINE, &ops, &c->e) != STATUS_OK)
        return c->e.code;
    stop_install(STOP_SELFTEST);
    return selftest_run(&job, out, &c->e);
}

static bool print(struct cli_call *c, const struct selftest_result *result,
                  struct wall start)
{
    const struct selftest_opts *o = c->opts;
    struct machine_facts machine;
    struct cpu_facts cpu;
    char started[CLOCK_TEXT_BYTES];
    struct buf out;
    machine_probe("", &c->arena, &machine);
    cpu_probe("", &c->arena, &cpu);
    clock_iso_local(start, clock_utc_offset_s(start), started);
    const struct selftest_report report = {result,       &machine, &cpu,
                                           c->cli->tool, started,  o->quick};
    buf_init(&out, PRINT_CAP_BYTES);
    if (o->json)
        selftest_json_write(&report, &out);
    else
        selftest_report_text(&report, &out);
    bool is_printed = out.failed == STATUS_OK && cli_print(c->cli, buf_cstr(&out));
    buf_fini(&out);
    return is_printed;
}

static int run(struct cli_call *c)
{
    struct selftest_opts *o = c->opts;
    struct wall start = clock_wall();
    if (floor_job_is_asked(c, &o->floor))
        return floor_job_main(c, &o->floor, (struct floor_output){o->json, o->quiet});
    struct selftest_result *result = arena_alloc(&c->arena, 1, sizeof *result);
    if (result == NULL)
        (void)status_no_memory(&c->e, "selftest");
    if (result == NULL || measure(c, result) != STATUS_OK)
        return cli_fail(c->cli, &c->e);
    if (!print(c, result, start))
        return CLI_FAILED;
    return result->reasons.count == 0 ? CLI_DONE : CLI_INVALID;
}

const struct cli_command cmd_selftest = {
    .name = "selftest",
    .synopsis = "[OPTIONS] [-- offline|online RUN OPTIONS]",
    .summary = "Measure inferbench itself on this machine",
    .run = run,
    CLI_OPTIONS(selftest_table, struct selftest_opts),
};
