/* What offline and online do alike between options and run: scenarios, limits, the raw
 * folder and the journal's header. */
#ifndef CLI_RUN_SETUP_H
#define CLI_RUN_SETUP_H

#include "base/arena.h"
#include "cli/cli.h"
#include "plan/scenario.h"
#include "probe/env.h"
#include "store/results.h"

/* Options and facts of a run, borrowed; NULL where an option is unset. */
struct run_setup {
    const char *mode; /* "offline" or "online": the subcommand and the serving mode */
    struct cli *cli;
    struct arena *arena;
    const struct opt_parse *parse;
    struct cli_words words; /* after the subcommand */
    const char *model_name, *engine, *instance_type, *label, *prefix_reuse;
    const char *output_dir, *accept_invalid;
    const char *python; /* the engine's interpreter */
    struct opt_strings metadata, limits;
    struct opt_doubles percentiles;
    double temperature, top_p, price_per_hour;
    int64_t seed;
    bool no_imds;
    const char *plan_sha256;
    struct run_data *run; /* to fill; its start is set */
    struct env *env;      /* to fill */
};

/* A word that belongs to no option, codes of --limit and --accept-invalid that no rule
 * has. Fills run->limits. */
MUST_CHECK enum status run_setup_check(const struct run_setup *s, struct err *e);

/* Options that choose scenarios. */
struct run_setup_work {
    struct opt_strings names, files, datasets;
    bool is_default; /* nobody has asked for `names` */
};
/* The scenarios to measure: those named; if nobody has named any, all of the given files
 * and data sets; data sets always. */
MUST_CHECK enum status run_setup_scenarios(const struct run_setup_work *w,
                                           struct arena *a, struct scenario_list *out,
                                           struct err *e);

/* vocab_size in the config.json of a local model, else `option` (OPT_INT_UNSET: 0). */
int64_t run_setup_vocabulary(const char *model, int64_t option, struct arena *a);

/* What the user gave the engine itself, by --engine-arg or after "--" (which wins). */
struct run_setup_words {
    struct opt_strings args, rest;
};
/* Options of the engine that are inferbench's to set, and the hint. */
struct run_setup_reserved {
    const char *name, *hint;
};
/* The value ("" for a switch), or NULL. */
const char *run_setup_engine_word(const struct run_setup_words *w, const char *name);
MUST_CHECK enum status run_setup_reserve(const struct run_setup_words *w,
                                         const struct run_setup_reserved *names,
                                         size_t count, struct err *e);
/* Its max-model-len, else `option`. */
int64_t run_setup_model_len(const struct run_setup_words *w, int64_t option);

/* 32 hex digits that no other run has: time, process and the kernel's random bytes. */
const char *run_setup_new_id(struct arena *a);

/* Claims the raw folder of run->start. */
MUST_CHECK enum status run_setup_claim(const struct run_setup *s, const char **raw_dir,
                                       const char **journal_path, struct err *e);
/* The machine, labels, price, options and command, secrets masked. run->fields keeps a
 * run_id that it has. */
MUST_CHECK enum status run_setup_header(const struct run_setup *s, struct err *e);

#endif
