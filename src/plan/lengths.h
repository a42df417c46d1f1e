/* Lengths of prompts and answers: which limit an answer gets, and whether all of it fits
 * into the model. Common to the plans of offline and online. */
#ifndef PLAN_LENGTHS_H
#define PLAN_LENGTHS_H

#include "base/status.h"
#include "core/workload.h"

struct lengths {
    int64_t max_tokens;    /* --max-tokens; OPT_INT_UNSET: each scenario's own */
    int64_t max_model_len; /* 0: unknown, nothing is too long */
};

/* Answer tokens that a request with text `text` of a scenario may have (0 where it has no
 * texts): --max-tokens, else the text's own, else the scenario's. */
int64_t lengths_answer(int64_t max_tokens, const struct scenario *s, size_t text);
/* The limit of a cell: the largest of its first `count` requests. */
int64_t lengths_cell(int64_t max_tokens, const struct scenario *s, int64_t count);
/* BAD_OPTION where prompt and answer do not fit; `where` names them. */
MUST_CHECK enum status lengths_check(const struct lengths *l, const char *where,
                                     int64_t prompt, int64_t answer, struct err *e);
/* --max-tokens positive, scenarios there, none named twice, drawn ones short enough. */
MUST_CHECK enum status lengths_scenarios(const struct lengths *l,
                                         const struct scenario *scenarios, size_t count,
                                         struct err *e);

#endif
