#include "online_job_fixture.h"

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

void online_job_fixture_init(struct online_job_fixture *f)
{
    memset(f, 0, sizeof *f);
    journal_fixture_init(&f->fx);
    assert_int_equal(pipe2(f->log, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(unsetenv("OPENAI_API_KEY"), 0);
    f->cli.tool = "inferbench 1";
    log_init(&f->cli.log, LOG_NOTE);
    f->cli.log.fd = f->log[1];
    f->host = (struct run_host){.log = &f->cli.log, .tool = f->cli.tool};
    f->job.job.run.journal.fd = -1;
    arena_init(&f->job.job.run.arena, 64 << 20);
}

void online_job_fixture_fini(struct online_job_fixture *f)
{
    mem_fail_at(0);
    unsetenv("OPENAI_API_KEY");
    journal_close(&f->job.job.run.journal);
    arena_fini(&f->job.job.run.arena);
    close(f->log[0]);
    close(f->log[1]);
    journal_fixture_fini(&f->fx);
}

enum status online_job_fixture_plan(struct online_job_fixture *f, const char *words)
{
    struct online_job *j = &f->job;
    journal_close(&j->job.run.journal);
    arena_fini(&j->job.run.arena);
    *j = (struct online_job){
        .job = {.run = {.mode = "online", .host = &f->host, .opts = &j->opts.run},
                .cli = &f->cli,
                .words = {.argv = f->argv}}};
    j->job.run.journal.fd = -1;
    arena_init(&j->job.run.arena, 64 << 20);
    snprintf(f->words, sizeof f->words, "--no-imds --output-dir %s %s", f->fx.dir, words);
    char *rest = f->words;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        for (char *c = word; *c != '\0'; c++)
            if (*c == '+')
                *c = ' ';
        if (*word != '\0')
            f->argv[j->job.words.argc++] = word;
    }
    assert_true((size_t)j->job.words.argc <= sizeof f->argv / sizeof *f->argv);
    const struct cli_table table = {online_opts_table, ONLINE_OPTS_COUNT, &j->opts};
    if (cli_parse(&table, &j->job.words, &j->job.run.arena, &j->job.parse, &f->e) !=
        STATUS_OK)
        return f->e.code;
    return online_setup_plan(j, &f->e);
}

void online_job_fixture_ok(struct online_job_fixture *f, const char *words)
{
    if (online_job_fixture_plan(f, words) != STATUS_OK)
        fail_msg("%s: %s: %s", words, f->e.where, f->e.what);
}

void online_job_fixture_refused(struct online_job_fixture *f, const char *words,
                                const char *where, const char *what)
{
    char text[1024];
    enum status s = online_job_fixture_plan(f, words);
    if (s != STATUS_BAD_OPTION)
        fail_msg("status %d: %s", s, words);
    status_format(&f->e, text, sizeof text);
    if (strcmp(f->e.where, where) != 0)
        fail_msg("%s: at %s, not %s", words, f->e.where, where);
    journal_fixture_has(text, what);
}

const char *online_job_fixture_told(struct online_job_fixture *f)
{
    ssize_t got = read(f->log[0], f->told, sizeof f->told - 1);
    f->told[got > 0 ? got : 0] = '\0';
    return f->told;
}
