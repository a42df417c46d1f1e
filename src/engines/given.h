/* What an engine is given, as the row has it: field engine_args, a JSON list of canonical
 * "key=value" texts, sorted. The same meaning gives the same texts, whether it came as an
 * option of inferbench, by --engine-arg, or behind "--". */
#ifndef ENGINES_GIVEN_H
#define ENGINES_GIVEN_H

#include "base/arena.h"
#include "core/engine.h"

/* The options that become arguments of the engine, the user's own words, which win, and
 * the variables that change an engine. NULL: no memory. */
const char *given_list(const struct engine_settings *s, struct arena *a);
/* Of any other server: the words of its command line ("{port}" and "{model}" not filled
 * in), what stands before its first option as "command". */
const char *given_command(const char *const *words, size_t count, struct arena *a);

#endif
