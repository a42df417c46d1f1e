/* Findings as their JSON, and back: what tests compare and set. */
#ifndef FINDING_FIXTURE_H
#define FINDING_FIXTURE_H

#include "core/field.h"

/* Of a list of codes or of checks, as files have it. Both live until the next test. */
const struct findings *finding_fixture_read(const char *json_list);
struct value finding_fixture_value(const char *json_list);
/* The text of reasons or warnings, or of checks; valid until the 8th call after this. */
const char *finding_fixture_codes(const struct findings *of);
const char *finding_fixture_checks(const struct findings *of);
/* Those of a row. */
const char *finding_fixture_of(const struct row *r, enum field_id id);

#endif
