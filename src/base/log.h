/* Lines for people, on stderr. One line a call, whole (a single write), folded at 80
 * columns on a terminal. Levels: quiet
 * shows errors and warnings, normal notes too, verbose all. A hook lets a live progress
 * line step aside while a line is printed. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/status.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTE, LOG_DEBUG };

struct log {
    enum log_level level;           /* the most talkative level shown */
    int fd;                         /* 2 if zeroed through log_init */
    const char *name;               /* before each line, "rank 3: "; NULL: none */
    void (*before)(void *hook_arg); /* may be NULL */
    void (*after)(void *hook_arg);
    void *hook_arg;
};

void log_init(struct log *log, enum log_level level);
PRINTF_LIKE(3, 4)
void log_line(struct log *log, enum log_level level, const char *fmt, ...);
/* "inferbench: where: what. hint" */
void log_error(struct log *log, const struct err *e);

#endif
