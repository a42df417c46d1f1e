#include "store/journal_damage.h"

#include <inttypes.h>

#include "base/str.h"

void journal_damage_warn(const struct journal_note *note, const char *raw_dir,
                         struct log *log)
{
    if (note->was_cut)
        log_line(log, LOG_WARN,
                 "%s/journal.jsonl: skipped the last line, cut off by a crash", raw_dir);
    if (note->lines_damaged > 0)
        log_line(log, LOG_WARN,
                 "%s/journal.jsonl: skipped %" PRId64
                 " damaged line%s, the first is line %" PRId64
                 "; repeats with an error because of that: %zu",
                 raw_dir, note->lines_damaged, str_plural(note->lines_damaged),
                 note->first_damaged,
                 note->repeats_damaged - note->repeats_short - note->repeats_gone);
    if (note->repeats_short > 0)
        log_line(log, LOG_WARN,
                 "%s/journal.jsonl: lines are missing or changed in %zu repeat%s; the "
                 "error of each says where",
                 raw_dir, note->repeats_short, str_plural((int64_t)note->repeats_short));
    if (note->repeats_gone > 0)
        log_line(
            log, LOG_WARN,
            "%s/journal.jsonl: no line is left of %zu repeat%s that began, the first is "
            "repeat %" PRId64 " of cell %" PRId64 " (the first cell is 0)",
            raw_dir, note->repeats_gone, str_plural((int64_t)note->repeats_gone),
            note->gone_repeat, note->gone_cell);
    if (note->repeats_lost > 0)
        log_line(log, LOG_WARN,
                 "%s/journal.jsonl: skipped %zu repeat%s: the cell line is damaged or "
                 "missing, or more than 1,000 repeats are missing",
                 raw_dir, note->repeats_lost, str_plural((int64_t)note->repeats_lost));
}
