/* inferbench serve: a simulated server of known timing. */
#include "serve/serve.h"

#include "cli/cli.h"
#include "cli/stop.h"

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

static int run(struct cli_call *c)
{
    const struct settings *settings = c->opts;
    const struct serve_job job = {.settings = settings,
                                  .tool = c->cli->tool,
                                  .log = &c->cli->log,
                                  .stop = stop_requested,
                                  .listening = say_listening,
                                  .arg = c->cli};
    if (settings->is_quiet)
        c->cli->log.level = LOG_WARN;
    stop_install(STOP_SERVE);
    if (settings_check(settings, &c->e) != STATUS_OK ||
        serve_run(&job, &c->e) != STATUS_OK)
        return cli_fail(c->cli, &c->e);
    return CLI_DONE;
}

const struct cli_command cmd_serve = {
    .name = "serve",
    .synopsis = "[OPTIONS]",
    .summary = "Simulate an OpenAI-compatible server of known timing",
    .run = run,
    CLI_OPTIONS(settings_table, struct settings),
};
