/* Puts one load on one server, through the same path as `online`, journal included. */
#ifndef RUN_SELFTEST_LOAD_H
#define RUN_SELFTEST_LOAD_H

#include "bench/bench.h"
#include "run/selftest_server.h"

/* What stays the same for all loads. */
struct selftest_bed {
    const struct engine_ops *ops; /* online */
    struct selftest_place place;
    struct journal journal;
    struct progress *progress;
    struct engine_watch watch;
    int64_t phases; /* so far: their names are told apart */
};

/* Starts a server for the load, loads it, ends it, and matches both sides. out->load is
 * set before; name: for the live line. */
MUST_CHECK enum status selftest_load_run(struct selftest_bed *bed, const char *name,
                                         struct selftest_point *out, struct err *e);

/* Memory of this process while so many streams are open. */
struct selftest_memory {
    int64_t tokens;     /* of each stream */
    int64_t streams[2]; /* few, many */
    double rss_mb[2];   /* highest seen; NAN unknown */
    double bytes_per_stream;
};
/* tokens and streams are set before. */
MUST_CHECK enum status selftest_load_memory(struct selftest_bed *bed,
                                            struct selftest_memory *out, struct err *e);

#endif
