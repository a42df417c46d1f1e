/* Rows for tests of track/: one of an online run, one of the published tool. */
#ifndef TESTS_ENTRY_FIXTURE_H
#define TESTS_ENTRY_FIXTURE_H

#include "track/entry.h"

extern const char *const entry_fixture_online;    /* JSON text; nulls, lists, objects */
extern const char *const entry_fixture_published; /* 26 fields, a warm-up */

struct entry_fixture {
    struct arena arena;
    json_t *row;
    struct entry entry;
};

/* Fails the test where there is no entry. c: NULL for an empty one. */
void entry_fixture_make(struct entry_fixture *f, const char *row_text,
                        const struct entry_context *c);
void entry_fixture_fini(struct entry_fixture *f);
/* NULL if there is none. */
const char *entry_fixture_param(const struct entry *e, const char *key);
const char *entry_fixture_tag(const struct entry *e, const char *key);
/* NAN if there is none. */
double entry_fixture_metric(const struct entry *e, const char *key);

#endif
