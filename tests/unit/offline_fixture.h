/* An offline job as cmd_offline makes it, from the words of a command line. */
#ifndef TESTS_OFFLINE_FIXTURE_H
#define TESTS_OFFLINE_FIXTURE_H

#include "cli/offline_job.h"
#include "journal_fixture.h"

struct offline_fixture {
    struct journal_fixture fx; /* its folder is --output-dir and, for IMDS, offline */
    struct cli cli;
    struct run_host host;
    struct offline_job job;
    int log[2]; /* pipe; the job's log writes into log[1] */
    char told[2048];
    char words[512];
    char *argv[24];
    struct err e;
};

void offline_fixture_init(struct offline_fixture *f);
void offline_fixture_fini(struct offline_fixture *f);
/* A fresh job on these words (separated by blanks; "--engine null --no-imds" and the
 * output folder stand before them): parses, then plans. */
enum status offline_fixture_plan(struct offline_fixture *f, const char *words);
/* What was logged since the last call. */
const char *offline_fixture_told(struct offline_fixture *f);

#endif
