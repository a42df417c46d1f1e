/* An online job as cmd_online makes it, from the words of a command line. */
#ifndef TESTS_ONLINE_JOB_FIXTURE_H
#define TESTS_ONLINE_JOB_FIXTURE_H

#include "cli/online_job.h"
#include "journal_fixture.h"

struct online_job_fixture {
    struct journal_fixture fx; /* its folder is --output-dir */
    struct cli cli;
    struct run_host host;
    struct online_job job;
    int log[2]; /* pipe; the job's log writes into log[1] */
    char told[2048];
    char words[768];
    char *argv[40];
    struct err e;
};

/* OPENAI_API_KEY is taken out of the environment. */
void online_job_fixture_init(struct online_job_fixture *f);
void online_job_fixture_fini(struct online_job_fixture *f);
/* A fresh job on these words, separated by blanks ('+' in a word stands for a blank;
 * "--no-imds" and the output folder stand before them): parses, then plans. */
enum status online_job_fixture_plan(struct online_job_fixture *f, const char *words);
/* The same, which must succeed. */
void online_job_fixture_ok(struct online_job_fixture *f, const char *words);
/* Fails the test unless these words are refused as a bad option, at `where`, with `what`
 * in the text. */
void online_job_fixture_refused(struct online_job_fixture *f, const char *words,
                                const char *where, const char *what);
/* What was logged since the last call. */
const char *online_job_fixture_told(struct online_job_fixture *f);

#endif
