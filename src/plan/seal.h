/* What goes into the hash of a plan. Each part says its own end, so that two plans with
 * one hash are one plan. */
#ifndef PLAN_SEAL_H
#define PLAN_SEAL_H

#include "plan/plan.h"
#include "text/digest.h"

void seal_int(struct digest *d, int64_t v);
void seal_num(struct digest *d, double v); /* exact; NAN and INFINITY are values too */
void seal_text(struct digest *d, const char *text);
void seal_scenarios(struct digest *d, const struct scenario *scenarios, size_t count);

#endif
