/* The order of a journal's lines: which repeat a line belongs to, and what becomes of the
 * repeats whose lines are damaged. */
#ifndef STORE_JOURNAL_ORDER_H
#define STORE_JOURNAL_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/run_data.h"
#include "store/row_set.h"

/* What a reading met besides the run's data. */
struct journal_note {
    bool was_cut;           /* the last line was cut by a crash and is ignored */
    int64_t line_count;     /* lines understood */
    int64_t lines_damaged;  /* others, all left out */
    int64_t first_damaged;  /* number of the first of them, from 1 */
    size_t repeats_damaged; /* repeats whose error names a line */
    size_t repeats_short;   /* those of them that only lack request lines, or whose lines
                               have changed since they were written */
    size_t repeats_gone;    /* those of them of which no line is there, and the first */
    int64_t gone_cell, gone_repeat;
    size_t repeats_lost;         /* repeats left out: the line of their cell is damaged */
    const int64_t *cell_numbers; /* [run->cell_count] in the file */
    int64_t start_monotonic_ns;  /* that all times count from */
    struct clock_data *clocks;   /* [clock_count], of a rank */
    size_t clock_count;
};

/* A repeat by the numbers that its lines bear; -1: none. */
struct journal_name {
    int64_t cell, repeat;
};

/* Arrays grow in the arena by doubling. */
struct journal_order {
    struct arena *arena;
    struct run_data *run;
    struct journal_note *note;
    int64_t number;                              /* of the line being read */
    const char *where;                           /* its file:line */
    int64_t *cell_numbers;                       /* [run->cell_count] in the file */
    size_t cell_room, repeat_room, request_room; /* request_room: of the last repeat */
    size_t number_room;
    struct journal_name last; /* the last repeat, also when it has ended */
    struct row_set indices;   /* of its requests */
    struct row_set names;     /* of all repeats that have begun */
    bool is_marked;           /* the last repeat's error names a line */
    struct journal_name lost; /* the repeat that is being left out */
    int64_t gap;              /* number of the first damaged line since one that fitted */
    char gap_why[384];        /* what is wrong with it */
};

void journal_order_init(struct journal_order *o, struct arena *a, struct run_data *run,
                        struct journal_note *note);
void journal_order_fini(struct journal_order *o);
/* A cell line: *out is a new, empty cell. STATUS_BAD_INPUT: it was there before. */
MUST_CHECK enum status journal_order_cell(struct journal_order *o, int64_t number,
                                          struct cell_data **out, struct err *e);
/* A repeat line: *out is a new repeat; NULL: it is left out, its cell is not there.
 * STATUS_BAD_INPUT: it was there before. */
MUST_CHECK enum status journal_order_repeat(struct journal_order *o,
                                            struct journal_name name,
                                            struct repeat_data **out, struct err *e);
/* The line being read tells that `begun` repeats of the run began before it (-1: it does
 * not tell). Those that are not there, not even in part, become repeats with an error.
 *   before  the repeat that the line begins; of others the cell that comes next, and -1
 */
MUST_CHECK enum status journal_order_begun(struct journal_order *o,
                                           struct journal_name before, int64_t begun,
                                           struct err *e);
/* Another line of a repeat, *out; NULL: that repeat is left out. STATUS_BAD_INPUT: the
 * line does not belong here. */
MUST_CHECK enum status journal_order_current(struct journal_order *o,
                                             struct journal_name name,
                                             struct repeat_data **out, struct err *e);
/* A new request of the repeat under way, its index set. STATUS_BAD_INPUT: that index was
 * there before. */
MUST_CHECK enum status journal_order_request(struct journal_order *o,
                                             struct repeat_data *r, int32_t index,
                                             struct request_record **out, struct err *e);
/* The line being read ends the repeat under way, whose requests are not those that were
 * written: it gets the error `why`, unless it has one. */
MUST_CHECK enum status journal_order_short(struct journal_order *o, struct repeat_data *r,
                                           const char *why, struct err *e);
/* The line being read is damaged: it is left out, and marks the repeat under way. `why`
 * may hold a part of it. */
MUST_CHECK enum status journal_order_damaged(struct journal_order *o, const char *why,
                                             struct err *e);

/* --- are all requests of a repeat that has ended there? journal_whole.c */

struct journal_whole {
    int64_t told; /* request lines, as the repeat's end has it; -1: it does not */
    int64_t client_threads; /* of the run */
};

/* *why: what is wrong with the requests of r, in words that follow "but"; NULL: nothing.
 * Where the end does not tell how many there are (older journals), all that were planned
 * have to be there; of a load that may end before all are sent (a time for a closed one,
 * --max-concurrency for an open one), those from the first on, without a hole. Format 1
 * is not checked then. STATUS_NO_MEMORY. */
MUST_CHECK enum status journal_whole_check(const struct journal_whole *w,
                                           const struct run_data *run,
                                           const struct repeat_data *r, struct arena *a,
                                           const char **why);

#endif
