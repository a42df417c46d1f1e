#include "offline_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"

void offline_fixture_init(struct offline_fixture *f)
{
    memset(f, 0, sizeof *f);
    journal_fixture_init(&f->fx);
    assert_int_equal(pipe2(f->log, O_NONBLOCK | O_CLOEXEC), 0);
    f->cli.tool = "inferbench 1";
    log_init(&f->cli.log, LOG_NOTE);
    f->cli.log.fd = f->log[1];
    f->host = (struct run_host){.log = &f->cli.log, .tool = f->cli.tool};
    f->job.job.run.journal.fd = -1;
    arena_init(&f->job.job.run.arena, 64 << 20);
}

void offline_fixture_fini(struct offline_fixture *f)
{
    mem_fail_at(0);
    journal_close(&f->job.job.run.journal);
    arena_fini(&f->job.job.run.arena);
    close(f->log[0]);
    close(f->log[1]);
    journal_fixture_fini(&f->fx);
}

enum status offline_fixture_plan(struct offline_fixture *f, const char *words)
{
    struct offline_job *j = &f->job;
    journal_close(&j->job.run.journal);
    arena_fini(&j->job.run.arena);
    *j = (struct offline_job){.job = {.run = {.mode = "offline",
                                              .host = &f->host,
                                              .opts = &j->opts.run,
                                              .journal = {.fd = -1}},
                                      .cli = &f->cli,
                                      .words = {.argv = f->argv}}};
    arena_init(&j->job.run.arena, 64 << 20);
    snprintf(f->words, sizeof f->words, "--engine null --no-imds --output-dir %s %s",
             f->fx.dir, words);
    char *rest = f->words;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (*word != '\0')
            f->argv[j->job.words.argc++] = word;
    assert_true((size_t)j->job.words.argc <= sizeof f->argv / sizeof *f->argv);
    const struct cli_table table = {offline_opts_table, OFFLINE_OPTS_COUNT, &j->opts};
    const struct cli_words argv = {j->job.words.argc, j->job.words.argv};
    if (cli_parse(&table, &argv, &j->job.run.arena, &j->job.parse, &f->e) != STATUS_OK)
        return f->e.code;
    return offline_setup_plan(j, &f->e);
}

const char *offline_fixture_told(struct offline_fixture *f)
{
    ssize_t got = read(f->log[0], f->told, sizeof f->told - 1);
    f->told[got > 0 ? got : 0] = '\0';
    return f->told;
}
