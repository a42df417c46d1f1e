/* What a journal holds that is in no row, for the user. */
#ifndef STORE_JOURNAL_DAMAGE_H
#define STORE_JOURNAL_DAMAGE_H

#include "base/log.h"
#include "store/journal_read.h"

/* Warns of a cut end, damaged lines, and repeats that lost some; silent where all is
 * well. */
void journal_damage_warn(const struct journal_note *note, const char *raw_dir,
                         struct log *log);

#endif
