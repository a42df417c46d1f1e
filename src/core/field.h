/* The field table: every field of a row, once. It makes the JSON of results, the
 * journal's partial rows, tables, plots, matching and what MLflow gets.
 *
 * X(id, kind, unit, better, must, role, help)
 *
 *   id      the JSON key and FIELD_<id>
 *   kind    STR INT NUM BOOL JSON FINDINGS; what a value that is not null has
 *   unit    as printed; "" for none
 *   better  HIGHER LOWER NEITHER: for comparison
 *   must    two letters, offline and online: M never null where error is null, m may be
 *           null, '-' always null (files.md)
 *   role    enum field_role: what the field is to the consumers of a row */
#ifndef CORE_FIELD_H
#define CORE_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/field_list.h"
#include "core/finding.h"
#include "core/value.h"

enum field_id {
#define X(id, kind, unit, better, must, role, help) FIELD_##id,
    FIELD_LIST(X)
#undef X
        FIELD_COUNT
};

enum field_better { BETTER_NEITHER, BETTER_HIGHER, BETTER_LOWER };

/* Matching, the settings that are printed, "also different", MLflow's parameters and
 * metrics derive from the role; exceptions stand in one table beside their consumer. */
enum field_role {
    ROLE_IDENTITY,   /* who, when, and what the user wrote on it */
    ROLE_CELL,       /* what was asked */
    ROLE_SETTING,    /* of the engine: given to it, or read back */
    ROLE_LOAD,       /* how requests came, and what they asked for */
    ROLE_MACHINE,    /* where it ran */
    ROLE_METRIC,     /* what was measured; unit and direction count */
    ROLE_SUMMARISED, /* a metric that has a spread over the repeats of a cell */
    ROLE_COUNT,      /* how many */
    ROLE_TRUST       /* how far the numbers can be trusted */
};

/* METRIC_<id> for every field of ROLE_SUMMARISED: summaries, matched cells, tables and
 * plots have one spread for each. */
#define FIELD_IF_IDENTITY(x)
#define FIELD_IF_CELL(x)
#define FIELD_IF_SETTING(x)
#define FIELD_IF_LOAD(x)
#define FIELD_IF_MACHINE(x)
#define FIELD_IF_METRIC(x)
#define FIELD_IF_SUMMARISED(x) x,
#define FIELD_IF_COUNT(x)
#define FIELD_IF_TRUST(x)
enum metric {
#define X(id, kind, unit, better, must, role, help) FIELD_IF_##role(METRIC_##id)
    FIELD_LIST(X)
#undef X
        METRIC_COUNT
};

struct field {
    const char *name;
    enum value_kind kind;
    const char *unit;
    enum field_better better;
    const char *must;
    enum field_role role;
    const char *help;
};

extern const struct field field_table[FIELD_COUNT];

/* The field behind a metric: its name, unit and direction. */
enum field_id field_of_metric(enum metric m);
/* FIELD_COUNT if there is no such field. */
enum field_id field_find(const char *name);

/* A row, whole or partial (what is not set is VALUE_ABSENT). */
struct row {
    struct value v[FIELD_COUNT];
};

/* Copies what `src` has set over `dst`; strings stay borrowed. */
void field_overlay(struct row *dst, const struct row *src);
/* Sets a field that is absent. */
void field_fill(struct row *row, enum field_id id, struct value v);
/* FIELD_x of a row as a number, NAN where it is none. */
double field_num(const struct row *r, enum field_id id);
const char *field_str(const struct row *r, enum field_id id); /* NULL where it is none */
/* NULL where there are none. */
const struct findings *field_findings(const struct row *r, enum field_id id);
bool field_is_true(const struct row *r, enum field_id id);
/* Is it that text? */
bool field_is(const struct row *r, enum field_id id, const char *text);

#endif
