#include "run/ending.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "stats/verdict.h"

static bool is_accepted(const char *accepted, const char *code)
{
    struct str rest = str_from(accepted);
    while (rest.len > 0)
        if (str_is(str_trim(str_cut(&rest, ',')), code))
            return true;
    return false;
}

/* What leaves a cell open does not make it INVALID. */
static bool is_code_accepted(const char *accepted, const char *code)
{
    const struct verdict_rule *rule = verdict_find(code);
    bool is_open = rule != NULL && rule->kind == VERDICT_INCONCLUSIVE;
    return is_open || is_accepted(accepted, code);
}

/* True if every reason of that cell was accepted. */
static bool is_cell_accepted(const struct run_ending *f, const struct summary_entry *cell)
{
    const struct findings *reasons = cell->reasons;
    if (f->accept_invalid == NULL)
        return false;
    bool all = true;
    for (size_t i = 0; all && *f->accept_invalid != '\0' && i < reasons->count; i++)
        all = is_code_accepted(f->accept_invalid, reasons->items[i].code);
    return all;
}

struct cell_counts {
    int64_t valid, inconclusive, invalid;
    int64_t refused; /* INVALID ones that were not accepted */
    bool is_simulated;
};

static struct cell_counts count_cells(const struct run_ending *f)
{
    struct cell_counts n = {0};
    for (size_t i = 0; i < f->results->cell_count; i++) {
        const struct summary_entry *c = &f->results->cells[i];
        bool is_invalid = c->verdict != NULL && strcmp(c->verdict, "INVALID") == 0;
        n.valid += c->verdict != NULL && strcmp(c->verdict, "VALID") == 0;
        n.inconclusive += c->verdict != NULL && strcmp(c->verdict, "INCONCLUSIVE") == 0;
        n.invalid += is_invalid;
        n.refused += is_invalid && !is_cell_accepted(f, c);
        n.is_simulated |= field_is_true(c->row, FIELD_is_simulated);
    }
    return n;
}

static void add_count(char *text, size_t room, int64_t count, const char *what)
{
    size_t used = strlen(text);
    if (count > 0)
        snprintf(text + used, room - used, "%s%" PRId64 " %s", used > 0 ? ", " : "",
                 count, what);
}

/* "10 VALID, 2 INCONCLUSIVE" */
static void counts_text(const struct cell_counts *n, char *text, size_t room)
{
    text[0] = '\0';
    add_count(text, room, n->valid, n->is_simulated ? "VALID (simulated)" : "VALID");
    add_count(text, room, n->inconclusive, "INCONCLUSIVE");
    add_count(text, room, n->invalid, n->refused > 0 ? "INVALID" : "INVALID, accepted");
}

static enum run_end fail_cells(const struct run_ending *f, struct log *log)
{
    char left[64] = "";
    int64_t left_out = f->cells_planned - f->cells_tried;
    if (left_out > 0)
        snprintf(left, sizeof left, ", %" PRId64 " not tried", left_out);
    log_line(log, LOG_WARN,
             "exit 1: %" PRId64 " of %" PRId64 " %s%s failed%s; first cause: %s",
             f->cells_failed, f->cells_planned,
             f->has_launches ? "launches of cell" : "cell", str_plural(f->cells_planned),
             left, f->first_failure->what);
    return RUN_FAILED;
}

static enum run_end judge_cells(const struct run_ending *f, struct log *log)
{
    char counts[128];
    struct cell_counts n = count_cells(f);
    counts_text(&n, counts, sizeof counts);
    if (n.refused > 0) {
        log_line(log, LOG_WARN,
                 "exit 3: measured: %s (see the table for the reasons; --accept-invalid "
                 "exits 0)",
                 counts);
        return RUN_INVALID;
    }
    if (f->require_valid && n.inconclusive > 0) {
        log_line(log, LOG_WARN,
                 "exit 3: measured: %s (see the table for what to do; --require-valid "
                 "was given)",
                 counts);
        return RUN_INVALID;
    }
    log_line(log, LOG_NOTE, "exit 0: done: %s", counts);
    return RUN_DONE;
}

/* What was measured was written, and yet is not all there. */
static enum run_end fail_damaged(const struct run_ending *f, struct log *log)
{
    log_line(log, LOG_WARN,
             "exit 1: journal lines are damaged or missing: %zu repeat%s lost. Check the "
             "disk, and that nothing else writes there",
             f->repeats_damaged, str_plural((int64_t)f->repeats_damaged));
    return RUN_FAILED;
}

static enum run_end fail_unprinted(struct log *log)
{
    log_line(log, LOG_WARN,
             "exit 1: the table could not be written to standard output; the files hold "
             "everything that was measured");
    return RUN_FAILED;
}

enum run_end run_ending_conclude(const struct run_ending *f, struct log *log)
{
    if (f->is_interrupted) {
        log_line(
            log, LOG_WARN,
            "exit 4: stopped by signal %d; the files hold everything measured until then",
            f->signal);
        return RUN_STOPPED;
    }
    if (f->broken != NULL) {
        log_line(log, LOG_WARN, "exit 1: the run could not continue: %s",
                 f->broken->what);
        return RUN_FAILED;
    }
    if (f->cells_failed > 0)
        return fail_cells(f, log);
    if (f->repeats_damaged > 0)
        return fail_damaged(f, log);
    return f->is_unprinted ? fail_unprinted(log) : judge_cells(f, log);
}
