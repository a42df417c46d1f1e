/* Rules that files of prompts keep, and errors that name a line of one. */
#ifndef DATA_RULES_H
#define DATA_RULES_H

#include <stdbool.h>

#include "base/status.h"

#define RULES_NAME_BYTES 64 /* at most, of a scenario's name */
#define RULES_TOKENS_MAX 10000000
#define RULES_ANSWER     128 /* tokens, of scenarios that do not say */

/* A line of a file; the error goes to e. */
struct rules_place {
    const char *path;
    int line;
    struct err *e;
};

/* Names go into "key=value, " notes, ids and file names. */
bool rules_is_name_byte(char c);
/* BAD_INPUT, "path:line: ..." */
PRINTF_LIKE(2, 3)
enum status rules_fail(struct rules_place at, const char *fmt, ...);
enum status rules_no_memory(const char *path, struct err *e);

#endif
