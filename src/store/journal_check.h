/* What a line of a journal must hold to be believed. */
#ifndef STORE_JOURNAL_CHECK_H
#define STORE_JOURNAL_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/status.h"

/* The members that every line of its type has, times and numbers that can be. Token
 * counts come from a server: one that cannot be is made TOKENS_UNKNOWN here, in the line.
 * STATUS_BAD_INPUT: the line is damaged, and e says how; `where` is its file:line. */
MUST_CHECK enum status journal_check_line(json_t *line, const char *type,
                                          const char *where, struct err *e);
/* Of a run line: serving_mode and stamp become names of files. Only those that we write
 * ourselves are let through, which name no other folder. */
MUST_CHECK enum status journal_check_run(const json_t *line, const char *where,
                                         struct err *e);
/* 20261124_090000, or 20261124_090000-2: as results_claim makes them. */
bool journal_check_stamp(const char *text);

#endif
