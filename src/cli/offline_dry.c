#include "cli/offline_dry.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "cli/run_dry.h"
#include "text/json.h"

#define RESULTS_CAP_BYTES ((size_t)256 << 20)

static bool same_str(const json_t *row, const char *key, const char *value)
{
    const char *s = json_str_of(row, key);
    return s != NULL && strcmp(s, value) == 0;
}

/* True if an earlier row measured that cell of this plan. */
static bool is_row_of(const struct offline_job *j, const struct plan_cell *c,
                      const json_t *row)
{
    const char *name = j->opts.run.model_name != NULL ? j->opts.run.model_name
                                                      : j->opts.run.model;
    return same_str(row, "model_name", name) && same_str(row, "engine", j->opts.engine) &&
           same_str(row, "scenario", c->scenario->name) &&
           (j->opts.run.instance_type == NULL ||
            same_str(row, "instance_type", j->opts.run.instance_type)) &&
           json_int_of(row, "batch_size", -1) == c->load->batch_size &&
           json_int_of(row, "max_output_tokens", -1) == c->max_tokens &&
           json_bool_of(row, "enable_prefix_caching", !c->caching) == c->caching;
}

struct tally {
    double sum_s;
    int64_t rows;
};

static void add_file(const struct offline_job *j, const char *path, struct tally *cells)
{
    struct err e;
    json_t *root = NULL;
    if (json_from_file(path, RESULTS_CAP_BYTES, &root, &e) != STATUS_OK)
        return;
    const json_t *rows = json_object_get(root, "results");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        double seconds = json_num_of(row, "total_time");
        for (size_t k = 0; !isnan(seconds) && k < j->plan.cell_count; k++) {
            if (!is_row_of(j, &j->plan.cells[k], row))
                continue;
            cells[k].sum_s += seconds;
            cells[k].rows++;
        }
    }
    json_decref(root);
}

double offline_dry_estimate_s(struct offline_job *j)
{
    struct tally *cells = arena_alloc(&j->job.run.arena, j->plan.cell_count,
                                      sizeof *cells);
    DIR *dir = opendir(j->opts.run.output_dir);
    double total = 0;
    if (dir == NULL || cells == NULL) {
        if (dir != NULL)
            closedir(dir);
        return NAN;
    }
    for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
        if (!str_starts(str_from(d->d_name), "offline_results_"))
            continue;
        const char *path = arena_printf(&j->job.run.arena, "%s/%s",
                                        j->opts.run.output_dir, d->d_name);
        if (path != NULL)
            add_file(j, path, cells);
    }
    closedir(dir);
    for (size_t k = 0; k < j->plan.cell_count; k++)
        total += cells[k].rows == 0 ? (double)NAN
                                    : cells[k].sum_s / (double)cells[k].rows *
                                          (double)j->plan.options.num_runs;
    return total;
}

static void cell_lines(const struct plan *p, struct buf *out)
{
    int64_t requests = 0, tokens = 0;
    buf_printf(out, "\n%-18s %10s %8s %8s %9s %14s\n", "cell", "batch size", "caching",
               "repeats", "requests", "output tokens");
    for (size_t i = 0; i < p->cell_count; i++) {
        const struct plan_cell *c = &p->cells[i];
        int64_t n = c->load->batch_size * p->options.num_runs;
        buf_printf(out,
                   "%-18s %10" PRId64 " %8s %8" PRId64 " %9" PRId64 " %14" PRId64 "\n",
                   c->scenario->name, c->load->batch_size, c->caching ? "on" : "off",
                   p->options.num_runs, n, n * c->max_tokens);
        requests += n;
        tokens += n * c->max_tokens;
    }
    buf_printf(out,
               "\n%zu cells x %" PRId64 " repeats (repeat 0 is the warm-up):\n%" PRId64
               " requests, at most %" PRId64 " output tokens\n",
               p->cell_count, p->options.num_runs, requests, tokens);
}

enum status offline_dry_text(struct offline_job *j, struct buf *out, struct err *e)
{
    const struct plan *p = &j->plan;
    double estimate_s = offline_dry_estimate_s(j);
    buf_printf(out, "Plan of %s on engine %s (nothing is run)\n\n", j->opts.run.model,
               j->opts.engine);
    run_dry_scenarios(
        &(struct scenario_list){p->options.scenarios, p->options.scenario_count},
        p->options.max_tokens, out);
    cell_lines(p, out);
    run_dry_order(p->options.caching_count, out);
    if (isnan(estimate_s))
        buf_printf(out, "time: unknown (no earlier results of all cells in %s)\n",
                   j->opts.run.output_dir);
    else
        buf_printf(out, "time: about %.0f s plus loading, from earlier results in %s\n",
                   estimate_s, j->opts.run.output_dir);
    buf_printf(out, "plan: sha256 %s\n", p->sha256);
    return out->failed == STATUS_OK ? STATUS_OK
                                    : status_fail(e, out->failed, "--dry-run",
                                                  "the plan is too long to print");
}
