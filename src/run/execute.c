#include "run/execute.h"

#include "run/checkpoint.h"

enum status run_execute(struct run *r, const struct run_work *w, struct err *e)
{
    const struct run_opts *o = r->opts;
    struct bench bench = {.session = {.ops = w->ops,
                                      .settings = w->settings,
                                      .lane_count = w->client_threads},
                          .plan = w->plan,
                          .journal = &r->journal,
                          .arena = &r->arena,
                          .progress = &r->progress,
                          .watch = run_watch(r),
                          .log = r->host->log,
                          .run_id = field_str(&r->data.fields, FIELD_run_id),
                          .hardware_type = o->hardware_type,
                          .model_name = w->model_name,
                          .slo_json = w->slo_json,
                          .body_json = w->body_json,
                          .with_gaps = !o->no_gaps,
                          .drain_timeout_s = w->drain_timeout_s};
    const struct driver driver = {.bench = &bench,
                                  .pause = run_checkpoint(r),
                                  .loads_per_batch = w->loads_per_batch};
    progress_init(&r->progress, r->host->log, o->quiet);
    r->saved = clock_now();
    r->progress.num_runs = o->num_runs;
    r->progress.repeats_planned = (int64_t)w->plan->cell_count * o->num_runs;
    r->progress.planned_s = w->planned_s;
    enum status s = driver_run(&driver, &r->outcome, e);
    progress_end(&r->progress);
    return s;
}
