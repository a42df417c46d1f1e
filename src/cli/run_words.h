/* What the journal records of a command line: its options and its words. */
#ifndef CLI_RUN_WORDS_H
#define CLI_RUN_WORDS_H

#include "cli/cli.h"
#include "run/open.h"

/* Values of secret options and of secret-looking ones are masked. Texts live in the run's
 * arena. */
MUST_CHECK enum status run_words_record(struct run *r, const struct cli_words *w,
                                        struct run_command *out, struct err *e);

#endif
