#include "run/execute.h"

#include "plan/blocks.h"
#include "run/capacity.h"
#include "run/checkpoint.h"
#include "run/mode.h"
#include "run/peers.h"
#include "run/precision.h"

enum status run_execute(struct run *r, struct err *e)
{
    const struct run_opts *o = r->opts;
    bool is_online = r->mode->flag == ENGINE_ONLINE;
    struct bench bench = {
        .session = {.ops = &r->ops,
                    .settings = r->settings,
                    .lane_count = is_online ? (size_t)o->client_threads : 1},
        .plan = &r->plan,
        .journal = &r->journal,
        .arena = r->arena,
        .progress = &r->progress,
        .watch = run_watch(r),
        .log = r->host->log,
        .run_id = field_str(&r->data.fields, FIELD_run_id),
        .hardware_type = o->hardware_type,
        .model_name = is_online ? o->model_name : NULL,
        .slo_json = r->slo_json,
        .body_json = r->body_json,
        .with_gaps = !o->no_gaps,
        .drain_timeout_s = (double)o->drain_timeout_ns / 1e9};
    struct driver driver = {
        .bench = &bench,
        .policy = r->plan.options.ab_blocks > 0 ? next_of_blocks : NULL,
        .pause = run_peers_has_files(r) ? run_checkpoint(r) : (struct driver_pause){0},
        .loads_per_batch = r->loads_per_batch};
    progress_init(&r->progress, r->host->log, o->quiet);
    r->saved = clock_now();
    r->progress.num_runs = r->plan.options.num_runs;
    r->progress.warmups = r->plan.options.ab_blocks > 0 ? BLOCKS_WARMUPS : 1;
    r->progress.repeats_planned = (int64_t)r->plan.cell_count * r->progress.num_runs;
    r->progress.planned_s = r->mode->estimate_s(r);
    run_peers_prepare(r, &driver);
    enum status s = run_precision_prepare(r, &driver, e);
    if (s == STATUS_OK)
        s = run_capacity_prepare(r, &driver, e);
    if (s == STATUS_OK)
        s = driver_run(&driver, &r->outcome, e);
    progress_end(&r->progress);
    return s;
}
