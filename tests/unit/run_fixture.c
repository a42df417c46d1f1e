#include "run_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "cli/run_words.h"

void run_fixture_init(struct run_fixture *f, const struct run_mode *mode)
{
    memset(f, 0, sizeof *f);
    f->mode = mode;
    journal_fixture_init(&f->fx);
    assert_int_equal(pipe2(f->log, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(unsetenv("OPENAI_API_KEY"), 0);
    f->cli.tool = "inferbench 1";
    log_init(&f->cli.log, LOG_NOTE);
    f->cli.log.fd = f->log[1];
    f->host = (struct run_host){.log = &f->cli.log, .tool = f->cli.tool};
    f->run.journal.fd = -1;
    arena_init(&f->arena, 64 << 20);
}

void run_fixture_fini(struct run_fixture *f)
{
    mem_fail_at(0);
    unsetenv("OPENAI_API_KEY");
    journal_close(&f->run.journal);
    arena_fini(&f->arena);
    close(f->log[0]);
    close(f->log[1]);
    journal_fixture_fini(&f->fx);
}

static int set_up(void **state, const struct run_mode *mode)
{
    static struct run_fixture f;
    run_fixture_init(&f, mode);
    *state = &f;
    return 0;
}

int run_fixture_set_up_offline(void **state)
{
    return set_up(state, &run_offline);
}

int run_fixture_set_up_online(void **state)
{
    return set_up(state, &run_online);
}

int run_fixture_tear_down(void **state)
{
    run_fixture_fini(*state);
    return 0;
}

/* Into f->argv. */
static void split(struct run_fixture *f, const char *words)
{
    bool is_offline = f->mode == &run_offline;
    f->given = (struct cli_words){.argv = f->argv};
    snprintf(f->words, sizeof f->words, "%s --no-imds --output-dir %s %s",
             is_offline ? "--engine null" : "", f->fx.dir, words);
    char *rest = f->words;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        for (char *c = word; *c != '\0'; c++)
            if (*c == '+')
                *c = ' ';
        if (*word != '\0')
            f->argv[f->given.argc++] = word;
    }
    assert_true((size_t)f->given.argc <= sizeof f->argv / sizeof *f->argv);
}

enum status run_fixture_plan(struct run_fixture *f, const char *words)
{
    struct run *r = &f->run;
    journal_close(&r->journal);
    arena_fini(&f->arena);
    f->opts = (struct run_opts){0};
    *r = (struct run){.mode = f->mode,
                      .host = &f->host,
                      .opts = &f->opts,
                      .parse = &f->parse,
                      .arena = &f->arena,
                      .journal = {.fd = -1}};
    arena_init(&f->arena, 64 << 20);
    split(f, words);
    const struct cli_table table = {f->mode->options, f->mode->option_count, &f->opts};
    if (cli_parse(&table, &f->given, &f->arena, &f->parse, &f->e) != STATUS_OK)
        return f->e.code;
    return run_plan(r, &f->e);
}

void run_fixture_ok(struct run_fixture *f, const char *words)
{
    if (run_fixture_plan(f, words) != STATUS_OK)
        fail_msg("%s: %s: %s", words, f->e.where, f->e.what);
}

void run_fixture_refused(struct run_fixture *f, const char *words, const char *where,
                         const char *what)
{
    char text[1024];
    if (run_fixture_plan(f, words) == STATUS_OK)
        fail_msg("accepted: %s", words);
    status_format(&f->e, text, sizeof text);
    if (strcmp(f->e.where, where) != 0)
        fail_msg("%s: at %s, not %s", words, f->e.where, where);
    journal_fixture_has(text, what);
}

enum status run_fixture_open(struct run_fixture *f)
{
    struct run_command c;
    enum status s = run_words_record(&f->run, &f->given, &c, &f->e);
    run_start(&f->run);
    return s == STATUS_OK ? run_open(&f->run, &c, &f->e) : s;
}

const char *run_fixture_told(struct run_fixture *f)
{
    ssize_t got = read(f->log[0], f->told, sizeof f->told - 1);
    f->told[got > 0 ? got : 0] = '\0';
    return f->told;
}
