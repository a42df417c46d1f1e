/* Which fields an engine tells of itself: what is recorded of its settings, beside the
 * cells, and what is taken from vLLM's worker by the same names. */
#ifndef STATS_TOLD_H
#define STATS_TOLD_H

#include <stdbool.h>

#include "core/field.h"

bool told_by_engine(enum field_id id);

#endif
