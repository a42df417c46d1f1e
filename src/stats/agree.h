/* In what rows must agree to be averaged or compared: derived from the roles of the field
 * table, with one list of exceptions, each with its reason. */
#ifndef STATS_AGREE_H
#define STATS_AGREE_H

#include "core/field.h"

enum agree {
    AGREE_SILENT, /* may differ, and nobody is told */
    AGREE_SAID,   /* may differ, and is said: "also different" */
    AGREE_MUST
};

/* Where two rows meet. */
enum agree_where {
    AGREE_IN_CELL,  /* repeats of one cell */
    AGREE_CACHING,  /* prefix caching ON against OFF */
    AGREE_MACHINES, /* machines or labels of one kind of hardware */
    AGREE_KINDS,    /* a GPU against Neuron */
    AGREE_MODELS,   /* models, or versions of the engine */
    AGREE_CHOSEN,   /* results that the user chose: settings may differ */
    AGREE_FLOOR,    /* a floor and what it is used for (floor.h): SAID: its settings */
    AGREE_WHERE_COUNT
};

/* What is compared itself (the side of a comparison) is the caller's to leave out. */
enum agree agree_of(enum field_id id, enum agree_where where);
/* Of the fields that tell cells apart the one behind that; FIELD_COUNT at the end. */
enum field_id agree_first(void);
enum field_id agree_next(enum field_id id);

#endif
