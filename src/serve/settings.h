/* Options of the simulated server. */
#ifndef SERVE_SETTINGS_H
#define SERVE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/opt.h"
#include "base/status.h"
#include "http/openai_dialect.h"
#include "serve/fault.h"
#include "serve/settings_list.h"

/* Texts are NULL and OPT_INT_UNSET numbers unset; *_ns: nanoseconds. */
struct settings {
#define TEXT                       const char *
#define X(type, member, name, ...) type member;
#define FATE(...)
    SETTINGS_LIST(X, FATE)
#undef FATE
#undef X
#undef TEXT
    struct fault_shares faults;
};

enum {
#define X(...)    +1
#define FATE(...) +1
    SETTINGS_COUNT = SETTINGS_LIST(X, FATE)
#undef FATE
#undef X
};
extern const struct opt settings_table[SETTINGS_COUNT];

const struct openai_dialect *settings_dialect(const struct settings *s);
/* From the last token to the finish chunk; NS_UNKNOWN: there is none. */
int64_t settings_finish_delay_ns(const struct settings *s);
/* What the rows cannot say. */
MUST_CHECK enum status settings_check(const struct settings *s, struct err *e);
/* What the header Authorization must be, "Bearer " and the key in the file without white
 * space around it; nothing is appended if no file is set. */
MUST_CHECK enum status settings_key(const struct settings *s, struct buf *out,
                                    struct err *e);

#endif
