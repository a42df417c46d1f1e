/* inferbench serve: a simulated server of known timing. */
#include "serve/serve.h"

#include "cli/commands.h"
#include "cli/stop.h"

#define ARENA_CAP_BYTES ((size_t)1 << 30)

static void say_listening(void *arg, const char *url)
{
    struct cli *cli = arg;
    char line[512];
    struct buf text;
    buf_init(&text, sizeof line);
    (void)buf_printf(&text, "serve: listening on %.400s\n", url);
    (void)cli_print(cli, buf_cstr(&text));
    buf_fini(&text);
    log_line(&cli->log, LOG_NOTE,
             "serve: simulated: answers are synthetic, only their timing is meaningful; "
             "press Ctrl-C to stop");
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct settings opts;
    struct opt_parse parse;
    struct arena a;
    struct err e;
    int code = CLI_DONE;
    arena_init(&a, ARENA_CAP_BYTES);
    const struct cli_table table = {settings_table, SETTINGS_COUNT, &opts};
    if (cli_parse(&table, &(struct cli_words){argc, argv}, &a, &parse, &e) != STATUS_OK) {
        code = cli_fail(cli, &e);
    } else if (parse.positional.count > 0) {
        (void)status_fail(&e, STATUS_BAD_OPTION, parse.positional.items[0],
                          "unexpected argument");
        (void)status_hint(&e, "See inferbench serve --help");
        code = cli_fail(cli, &e);
    } else {
        const struct serve_job job = {.settings = &opts,
                                      .tool = cli->tool,
                                      .log = &cli->log,
                                      .stop = stop_requested,
                                      .listening = say_listening,
                                      .arg = cli};
        if (opts.is_quiet)
            cli->log.level = LOG_WARN;
        stop_install(STOP_SERVE);
        if (settings_check(&opts, &e) != STATUS_OK || serve_run(&job, &e) != STATUS_OK)
            code = cli_fail(cli, &e);
    }
    arena_fini(&a);
    return code;
}

static const struct opt *table(size_t *count)
{
    *count = SETTINGS_COUNT;
    return settings_table;
}

const struct cli_command cmd_serve = {
    .name = "serve",
    .synopsis = "[OPTIONS]",
    .summary = "Simulate an OpenAI-compatible server of known timing",
    .run = run,
    .table = table,
};
