/* Status codes and error messages. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#define STATUS_LIST(X)                        \
    X(OK, "ok")                               \
    X(NO_MEMORY, "out of memory")             \
    X(TOO_BIG, "reached the buffer's cap")    \
    X(BAD_OPTION, "option not accepted")      \
    X(BAD_INPUT, "input not understood")      \
    X(NOT_FOUND, "not found")                 \
    X(IO, "input or output failed")           \
    X(NO_SPACE, "disk full")                  \
    X(TIMEOUT, "timed out")                   \
    X(CLOSED, "peer closed the connection")   \
    X(DIED, "the engine ended unexpectedly")  \
    X(ENGINE, "the engine reported an error") \
    X(UNSUPPORTED, "not supported here")      \
    X(INTERRUPTED, "stopped by a signal")     \
    X(INTERNAL, "a fault in inferbench")

enum status {
#define X(name, text) STATUS_##name,
    STATUS_LIST(X)
#undef X
};

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/* Filled only when a call fails; owned by the caller. `where` is a file:line, an option,
 * a URL or a request; `what` holds the value seen; `hint` what to do about it ("" if
 * none). */
struct err {
    enum status code;
    char where[160];
    char what[384];
    char hint[384];
};

/* Text of a code, never NULL. */
const char *status_text(enum status code);

/* Fills *e (e may be NULL) and returns code, so that `return status_fail(e, ...)` reads
 * well. Overlong texts are cut. The hint is emptied: status_hint sets it afterwards. */
PRINTF_LIKE(4, 5)
enum status status_fail(struct err *e, enum status code, const char *where,
                        const char *what, ...);

/* status_fail with STATUS_NO_MEMORY and "out of memory". */
enum status status_no_memory(struct err *e, const char *where);

/* Sets the hint of an error that status_fail has filled; returns e->code. */
PRINTF_LIKE(2, 3) enum status status_hint(struct err *e, const char *hint, ...);

/* status_fail with the text of the current errno appended; ENOSPC and EDQUOT become
 * STATUS_NO_SPACE, ENOMEM STATUS_NO_MEMORY, all others STATUS_IO. */
enum status status_errno(struct err *e, const char *where, const char *what);

/* Writes "where: what. hint" into out (size bytes, always terminated); empty parts left
 * out. */
void status_format(const struct err *e, char *out, unsigned long size);

#endif
