/* What the script of the page reads: charts, all rows and words, as JSON that may stand
 * inside <script>. */
#ifndef REPORT_PAGE_DATA_H
#define REPORT_PAGE_DATA_H

#include "report/document.h"

/* {"charts": [..], "rows": {..}}: charts in the order of their blocks. Rows come as
 * columns: a value that all rows share stands once ("one"), texts that come again as
 * numbers of a list ("texts", "at"); fields that no row knows are
 * left out, and checks, distributions and what came when. Numbers have
 * 7 digits. Every "<" is written out, so that no text ends the script. */
void page_data_put(const struct document *d, struct buf *out);

#endif
