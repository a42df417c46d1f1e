/* A run as the commands make it, from the words of a command line. */
#ifndef TESTS_RUN_FIXTURE_H
#define TESTS_RUN_FIXTURE_H

#include "cli/cli.h"
#include "journal_fixture.h"
#include "run/mode.h"
#include "run/plan.h"

struct run_fixture {
    const struct run_mode *mode;
    struct journal_fixture fx; /* its folder is --output-dir and, for IMDS, offline */
    struct cli cli;
    struct run_host host;
    struct run_opts opts;
    struct opt_parse parse;
    struct arena arena;
    struct run run;
    struct cli_words given;
    int log[2]; /* pipe; the run's log writes into log[1] */
    char told[2048];
    char words[768];
    char *argv[40];
    struct err e;
};

/* OPENAI_API_KEY is taken out of the environment. */
void run_fixture_init(struct run_fixture *f, const struct run_mode *mode);
void run_fixture_fini(struct run_fixture *f);
/* For cmocka: *state is such a fixture. */
int run_fixture_set_up_offline(void **state);
int run_fixture_set_up_online(void **state);
int run_fixture_tear_down(void **state);
/* A fresh run on these words, separated by blanks ('+' in a word stands for a blank;
 * "--no-imds", the output folder and, offline, "--engine null" stand before them):
 * parses, then plans. */
enum status run_fixture_plan(struct run_fixture *f, const char *words);
/* The same, which must succeed. */
void run_fixture_ok(struct run_fixture *f, const char *words);
/* Fails the test unless these words are refused, at `where`, with `what` in the text. */
void run_fixture_refused(struct run_fixture *f, const char *words, const char *where,
                         const char *what);
/* Begins the journal. */
enum status run_fixture_open(struct run_fixture *f);
/* What was logged since the last call. */
const char *run_fixture_told(struct run_fixture *f);

#endif
