/* What people read about an option table: help and man page. */
#ifndef BASE_OPT_HELP_H
#define BASE_OPT_HELP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/opt_table.h"
#include "base/status.h"

/* Help in 80 columns, grouped in the table's order. */
enum status opt_help_text(const struct opt *table, size_t count, struct buf *out);
/* The OPTIONS section in man(7) macros. */
enum status opt_help_man(const struct opt *table, size_t count, struct buf *out);

#endif
