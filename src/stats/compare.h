/* Two sides, cell by cell: which is better, with an error probability (contrast.h). Pure;
 * everything lives in the arena or in the matched cells. */
#ifndef STATS_COMPARE_H
#define STATS_COMPARE_H

#include "stats/compare_floor.h"
#include "stats/contrast.h"
#include "stats/match.h"

/* What is compared, in the order of the output: X(field, words). */
#define COMPARE_FIGURES(X)                  \
    X(tokens_per_second, "output tokens/s") \
    X(ttft_p50_s, "TTFT p50")               \
    X(ttft_p99_s, "TTFT p99")               \
    X(tpot_mean_ms, "TPOT mean")

#define X(field, words) COMPARE_##field,
enum compare_id { COMPARE_FIGURES(X) COMPARE_COUNT };
#undef X

enum compare_call {
    COMPARE_NONE, /* not judged: a side does not know the figure, or is not VALID */
    COMPARE_CANNOT_TELL,
    COMPARE_SAME,
    COMPARE_BETTER, /* the other side is */
    COMPARE_WORSE
};

struct compare_figure {
    enum field_id field;
    double values[2];        /* geometric means, baseline first; NAN: unknown */
    double ratio, low, high; /* other / baseline and its 95 % interval, NAN: unknown */
    double p;                /* adjusted (Holm), of `same` as it is; NAN where launches do
                                not give one */
    enum compare_call call;
    bool is_within;       /* the interval is of the repeats of one launch */
    bool is_floored;      /* of one launch a side, and of floors: how launches differ */
    bool is_assumed;      /* called all the same: COMPARE_ASSUMED */
    bool is_not_positive; /* no figure, for a repeat has 0 or less */
    long
        launches; /* a side that it takes at least, where it cannot be told; 0: unknown */
    size_t cells; /* behind a geometric mean */
};

struct compare_cell {
    const struct match_pair *pair;
    struct compare_floor floor; /* of one launch a side */
    struct compare_figure figures[COMPARE_COUNT];
    struct compare_figure cost;     /* USD per million output tokens; judged (as the
                                   throughput) at one price alone */
    struct compare_figure cost_all; /* USD per million input and output tokens; judged
                                       where both sides have as many of each, too */
};

struct compare {
    const struct match_group *group; /* its sides, its pairs, what differs besides */
    double margin;
    size_t launches[2];  /* of the counted cells, baseline first */
    bool is_of_blocks;   /* these are blocks of one launch (--ab interleaved) */
    bool is_interleaved; /* launch k of one was compared with launch k of the other */
    bool has_unknown_launches;  /* rows that do not name theirs, or of a server that does
                                   not tell when it was started */
    size_t shared_launches;     /* that are on both sides, by their launch_id */
    struct compare_cell *cells; /* [group->pair_count] */
    struct compare_figure geomean[COMPARE_COUNT]; /* a family of their own */
    struct compare_figure geomean_cost;
    size_t geomean_cells;    /* most of any figure */
    double more_s, more_usd; /* what the launches cost that would tell; NAN: unknown */
    long more_launches;      /* a side; 0: none is asked for */
};

/* With one launch a side a difference beyond this ratio is called all the same, on the
 * assumption that launches differ by less than 20 %. */
#define COMPARE_ASSUMED 1.5
#define COMPARE_MARGIN  0.02 /* where nobody asks for another */

struct compare_options {
    double margin;            /* 0.02 calls "same" what is within 2 % */
    struct floor_list floors; /* that are known; must outlive the result */
};

/* NO_MEMORY is the only failure. */
MUST_CHECK enum status compare_build(const struct match_group *group,
                                     const struct compare_options *o, struct arena *a,
                                     struct compare *out);

/* Verdicts on tokens/s and $/token of all groups into their ratios, as compare_build has
 * them at a margin of COMPARE_MARGIN, and intervals that a floor gives. NO_MEMORY is the
 * only failure. */
MUST_CHECK enum status compare_judge(struct match_result *r,
                                     const struct floor_list *floors, struct arena *a);

/* Its field in the rows of a cell, and what people call it. */
enum field_id compare_field(enum compare_id id, const struct match_cell *c);
const char *compare_words(enum compare_id id);
/* "same", "better", "worse", "cannot tell"; NULL where nothing is judged. */
const char *compare_call_name(enum compare_call call);
/* True if a counted cell or a geometric mean is called worse, or no cell is counted:
 * nothing stands for "not worse" then. */
bool compare_has_worse(const struct compare *c);
/* No pair is of real numbers: all that is said here is of made ones. */
bool compare_is_simulated(const struct compare *c);
/* The first counted pair whose prices differ; NULL: none. */
const struct match_pair *compare_price_pair(const struct compare *c);
/* All intervals are within launches: a side has one launch, and no floor serves. */
bool compare_is_within(const struct compare *c);

#endif
