#include "plan/load.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/opt.h"
#include "plan/arrivals.h"
#include "plan/lengths.h"
#include "plan/hash.h"

/* A closed load limited by time has enough requests for a server that needs so little. */
#define CLOSED_TOKEN_S   0.2e-3
#define CLOSED_REQUEST_S 1e-3
#define CLOSED_MOST      200000
#define MOST_IDS         (INT64_C(1) << 28)
#define MAX_BATCH        1000000
#define STREAM_BYTES     192

static bool is_given(int64_t option)
{
    return option != OPT_INT_UNSET;
}

/* --- batch --- */

static void batch_name(const struct load *l, char out[LOAD_NAME_BYTES])
{
    snprintf(out, LOAD_NAME_BYTES, "%" PRId64, l->batch_size);
}

static enum status batch_check(const struct load *l, struct err *e)
{
    if (l->batch_size >= 1 && l->batch_size <= MAX_BATCH)
        return STATUS_OK;
    return status_fail(e, STATUS_BAD_OPTION, "--batch-sizes",
                       "%" PRId64 " is not in 1..%d", l->batch_size, MAX_BATCH);
}

static void batch_hash(const struct load *l, struct digest *d)
{
    plan_hash_int(d, l->batch_size);
}

static int64_t batch_count(const struct load_work *w)
{
    return w->load->batch_size;
}

/* --- closed and open: on a server --- */

static enum status check_times(const struct load *l, struct err *e)
{
    bool has_duration = !isnan(l->duration_s);
    if (has_duration && !(l->duration_s > 0 && isfinite(l->duration_s))) {
        status_fail(e, STATUS_BAD_OPTION, "--duration",
                    "%g s must be a positive, finite duration", l->duration_s);
        return status_hint(e, "Write e.g. 60s");
    }
    if (!(l->ramp_up_s >= 0) || (has_duration && l->ramp_up_s >= l->duration_s)) {
        status_fail(e, STATUS_BAD_OPTION, "--ramp-up", "%g s leaves no time at full load",
                    l->ramp_up_s);
        return status_hint(e, "Make --ramp-up shorter than --duration");
    }
    return STATUS_OK;
}

static enum status check_length(const struct load *l, struct err *e)
{
    if (!is_given(l->num_prompts) && isnan(l->duration_s)) {
        status_fail(e, STATUS_BAD_OPTION, "--num-prompts",
                    "no limit on the length of a repeat");
        return status_hint(e, "Set --num-prompts or --duration");
    }
    if (is_given(l->num_prompts) &&
        (l->num_prompts < 1 || l->num_prompts > ARRIVALS_MOST))
        return status_fail(e, STATUS_BAD_OPTION, "--num-prompts",
                           "%" PRId64 " is not in 1..%d", l->num_prompts, ARRIVALS_MOST);
    return check_times(l, e);
}

/* `number` is a kind's number in a plan's hash. */
static void hash_online(const struct load *l, int64_t number, struct digest *d)
{
    bool is_open = l->kind == LOAD_OPEN;
    plan_hash_int(d, number);
    plan_hash_int(d, is_open ? 0 : l->concurrency);
    plan_hash_num(d, is_open ? l->rate_rps : 0);
    plan_hash_int(d, l->arrival);
    plan_hash_num(d, l->arrival == LOAD_GAMMA ? l->burstiness : 1);
    plan_hash_int(d, l->max_concurrency);
    plan_hash_int(d, l->num_prompts);
    plan_hash_num(d, l->duration_s);
    plan_hash_num(d, l->ramp_up_s);
}

/* --- closed --- */

static void closed_name(const struct load *l, char out[LOAD_NAME_BYTES])
{
    snprintf(out, LOAD_NAME_BYTES, "c%" PRId64, l->concurrency);
}

static enum status closed_check(const struct load *l, struct err *e)
{
    enum status s = check_length(l, e);
    if (s != STATUS_OK)
        return s;
    if (l->concurrency < 1)
        return status_fail(e, STATUS_BAD_OPTION, "--concurrency",
                           "%" PRId64 " must be positive", l->concurrency);
    if (!is_given(l->num_prompts) || l->num_prompts >= l->concurrency)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, "--num-prompts",
                "%" PRId64 " requests cannot fill %" PRId64 " slots", l->num_prompts,
                l->concurrency);
    return status_hint(e, "Use %" PRId64 " or more, or a smaller --concurrency",
                       l->concurrency);
}

static void closed_hash(const struct load *l, struct digest *d)
{
    hash_online(l, 0, d);
}

/* Answer tokens of the scenario's shortest answers. */
static int64_t least_tokens(const struct load_work *w)
{
    const struct scenario *s = w->scenario;
    int64_t least = lengths_answer(w->max_tokens, s, 0);
    for (size_t i = 1; i < s->text_count; i++) {
        int64_t t = lengths_answer(w->max_tokens, s, i);
        least = t < least ? t : least;
    }
    return least;
}

/* No clock draws it. */
static int64_t closed_count(const struct load_work *w)
{
    const struct load *l = w->load;
    if (is_given(l->num_prompts))
        return l->num_prompts;
    int64_t length = w->scenario->shared_tokens + w->scenario->own_tokens;
    double each_s = CLOSED_TOKEN_S * (double)least_tokens(w);
    each_s = each_s > CLOSED_REQUEST_S ? each_s : CLOSED_REQUEST_S;
    double wanted = ceil(l->duration_s / each_s * (double)l->concurrency);
    int64_t count = wanted < CLOSED_MOST ? (int64_t)wanted : CLOSED_MOST;
    if (length > 0 && count > MOST_IDS / length)
        count = MOST_IDS / length;
    return count > l->concurrency ? count : l->concurrency;
}

static double closed_send_s(const struct load_work *w, size_t count)
{
    (void)count;
    return w->load->duration_s;
}

/* --- open --- */

static void open_name(const struct load *l, char out[LOAD_NAME_BYTES])
{
    snprintf(out, LOAD_NAME_BYTES, "r%.15g", l->rate_rps);
}

static enum status check_infinite(const struct load *l, struct err *e)
{
    if (!is_given(l->num_prompts)) {
        status_fail(e, STATUS_BAD_OPTION, "--request-rate",
                    "inf sends all requests at once: --duration does not limit them");
        return status_hint(e, "Set their number with --num-prompts");
    }
    if (l->ramp_up_s > 0) {
        status_fail(e, STATUS_BAD_OPTION, "--ramp-up", "a rate of inf cannot ramp up");
        return status_hint(e, "Give --request-rate a number, or remove --ramp-up");
    }
    return STATUS_OK;
}

static enum status open_check(const struct load *l, struct err *e)
{
    enum status s = check_length(l, e);
    if (s != STATUS_OK)
        return s;
    if (!(l->rate_rps > 0)) {
        status_fail(e, STATUS_BAD_OPTION, "--request-rate", "%g must be positive",
                    l->rate_rps);
        return status_hint(e, "Write requests per second, e.g. 4 or inf");
    }
    if (is_given(l->max_concurrency) && l->max_concurrency < 1)
        return status_fail(e, STATUS_BAD_OPTION, "--max-concurrency",
                           "%" PRId64 " must be positive", l->max_concurrency);
    if (isinf(l->rate_rps))
        return check_infinite(l, e);
    if (l->arrival == LOAD_GAMMA && !(l->burstiness > 0 && isfinite(l->burstiness))) {
        status_fail(e, STATUS_BAD_OPTION, "--burstiness", "%g must be positive",
                    l->burstiness);
        return status_hint(e, "1 is Poisson, less is burstier, more is steadier");
    }
    return STATUS_OK;
}

static void open_hash(const struct load *l, struct digest *d)
{
    hash_online(l, 1, d);
}

/* The arrivals of one repeat; `stream` has room for their stream's name. */
static struct arrivals arrivals_of(const struct load_work *w, char stream[STREAM_BYTES])
{
    char name[LOAD_NAME_BYTES];
    load_name(w->load, name);
    snprintf(stream, STREAM_BYTES, "arrival/%s/%s/%" PRId64, w->scenario->name, name,
             w->repeat);
    return (struct arrivals){.load = w->load, .seed = w->seed, .stream = stream};
}

static int64_t open_count(const struct load_work *w)
{
    char stream[STREAM_BYTES];
    struct arrivals a = arrivals_of(w, stream);
    return (int64_t)arrivals_count(&a);
}

static void open_due(const struct load_work *w, int64_t *due_ns, size_t count)
{
    char stream[STREAM_BYTES];
    struct arrivals a = arrivals_of(w, stream);
    arrivals_draw(&a, due_ns, count);
}

static double open_send_s(const struct load_work *w, size_t count)
{
    char stream[STREAM_BYTES];
    struct arrivals a = arrivals_of(w, stream);
    return (double)arrivals_last_ns(&a, count) / (double)NS_PER_S;
}

/* --- all kinds --- */

/* due and send_s NULL: the engine takes all at once, or as it has room. */
static const struct kind {
    const char *option;
    bool is_online;
    void (*name)(const struct load *l, char out[LOAD_NAME_BYTES]);
    enum status (*check)(const struct load *l, struct err *e);
    void (*hash)(const struct load *l, struct digest *d);
    int64_t (*count)(const struct load_work *w);
    void (*due)(const struct load_work *w, int64_t *due_ns, size_t count);
    double (*send_s)(const struct load_work *w, size_t count);
} kinds[LOAD_KIND_COUNT] = {
    [LOAD_BATCH] = {.option = "--batch-sizes",
                    .name = batch_name,
                    .check = batch_check,
                    .hash = batch_hash,
                    .count = batch_count},
    [LOAD_CLOSED] = {.option = "--concurrency",
                     .is_online = true,
                     .name = closed_name,
                     .check = closed_check,
                     .hash = closed_hash,
                     .count = closed_count,
                     .send_s = closed_send_s},
    [LOAD_OPEN] = {.option = "--request-rate",
                   .is_online = true,
                   .name = open_name,
                   .check = open_check,
                   .hash = open_hash,
                   .count = open_count,
                   .due = open_due,
                   .send_s = open_send_s},
};

void load_name(const struct load *l, char out[LOAD_NAME_BYTES])
{
    kinds[l->kind].name(l, out);
}

const char *load_arrival(const struct load *l)
{
    static const char *const arrivals[LOAD_ARRIVAL_COUNT] = {
        [LOAD_POISSON] = "poisson", [LOAD_CONSTANT] = "constant", [LOAD_GAMMA] = "gamma"};
    static const char *const others[LOAD_KIND_COUNT] = {
        [LOAD_BATCH] = "batch", [LOAD_CLOSED] = "closed"};
    return others[l->kind] != NULL ? others[l->kind] : arrivals[l->arrival];
}

bool load_is_online(const struct load *l)
{
    return kinds[l->kind].is_online;
}

const char *load_option(const struct load *l)
{
    return kinds[l->kind].option;
}

enum status load_check(const struct load *l, struct err *e)
{
    return kinds[l->kind].check(l, e);
}

void load_hash(const struct load *l, struct digest *d)
{
    kinds[l->kind].hash(l, d);
}

int64_t load_count(const struct load_work *w)
{
    return kinds[w->load->kind].count(w);
}

bool load_has_due(const struct load *l)
{
    return kinds[l->kind].due != NULL;
}

void load_draw_due(const struct load_work *w, int64_t *due_ns, size_t count)
{
    kinds[w->load->kind].due(w, due_ns, count);
}

double load_send_s(const struct load_work *w, size_t count)
{
    return kinds[w->load->kind].send_s != NULL ? kinds[w->load->kind].send_s(w, count)
                                               : (double)NAN;
}
