/* What a request's line holds besides its events: each member stands here once, for those
 * who write it, read it and check it. */
#ifndef STORE_JOURNAL_REQUEST_H
#define STORE_JOURNAL_REQUEST_H

#include <stdbool.h>

#include "core/record.h"
#include "text/json.h"
#include "text/jsonw.h"

const char *journal_request_status_name(enum record_status status);
/* False: there is no such status. */
bool journal_request_status_find(const char *name, enum record_status *out);
/* Times and counts; those that are not known are left out. */
void journal_request_write(struct jsonw *w, const struct request_record *r);
void journal_request_read(const json_t *line, struct request_record *q);

#endif
