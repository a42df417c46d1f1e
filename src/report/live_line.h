/* Where progress is shown: on a terminal one live line that steps aside for the log's
 * lines, elsewhere plain lines of the log. */
#ifndef REPORT_LIVE_LINE_H
#define REPORT_LIVE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"

#define LIVE_LINE_BYTES   512
#define LIVE_LINE_EVERY_S 0.2 /* on a terminal, at most */

struct live_line {
    struct log *log;
    bool is_terminal, is_open, has_failed;
    int64_t columns;
    struct instant last_shown; /* 0: show again at once */
};

/* Hooks into the log, and draws where that writes: the struct must stay where it is until
 * live_line_end. */
void live_line_begin(struct live_line *l, struct log *log);
bool live_line_is_due(const struct live_line *l, double every_s);
/* Columns that a live line may take. */
size_t live_line_room(struct live_line *l);
/* What does not fit the terminal is cut. */
void live_line_show(struct live_line *l, const char *line);
/* Takes the live line away. */
void live_line_end(struct live_line *l);

#endif
