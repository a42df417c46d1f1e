/* Whose turn it is: requests wait in order of arrival for one of --slots, and with
 * --serial-prefill for the first token of the one before. Without either, each begins
 * when it arrives. Instants are those of the schedule, so that lateness does not add
 * up. */
#ifndef SERVE_QUEUE_H
#define SERVE_QUEUE_H

#include <stdbool.h>

#include "base/clock.h"
#include "serve/conn.h"
#include "serve/due.h"
#include "serve/plain_api.h"

struct queue {
    const struct settings *settings;
    struct plain_api_counts *counts; /* running and waiting are kept here */
    struct due *due;                 /* of those whose turn has come */
    struct conn *first, *last;       /* wait; NULL: nobody */
    struct conn *prefilling;  /* with --serial-prefill: its first token is not due yet */
    struct instant slot_free; /* since when not all slots are taken any more */
    struct instant prefill_free;
    bool is_closed; /* nobody's turn comes any more */
};

/* A request whose answer was planned: begins at once, or when its turn comes. */
void queue_join(struct queue *q, struct conn *c);
/* The first token of c is due: the next prefill may begin. */
void queue_prefilled(struct queue *q, struct conn *c);
/* It has ended, or given up; harmless if it never joined. */
void queue_leave(struct queue *q, struct conn *c);

#endif
