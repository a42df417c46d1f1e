/* The beginning of a run: its engine found, its folder claimed, its journal begun. */
#ifndef RUN_OPEN_H
#define RUN_OPEN_H

#include "run/run.h"

/* What the journal records of the command; secrets are masked. */
struct run_command {
    const char *options_json, *words_json;
    bool has_asked_percentiles;
};
/* Finds the engine, claims the raw folder, fills the journal's header, and begins the
 * journal with it. */
MUST_CHECK enum status run_open(struct run *r, const struct run_command *c,
                                struct err *e);

#endif
