#include "probe/sampler.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "probe/cgroup.h"
#include "probe/gpu_meter.h"
#include "probe/neuron_meter.h"
#include "probe/sysfile.h"
#include "probe/tree.h"

#define PERIOD_S 1
#define TREE_MAX 256

/* Counters of the machine since it started. */
struct counters {
    double user_s, system_s, steal_s, total_s; /* NAN unknown */
    double throttled_s;
};

struct reading {
    struct instant at;
    int64_t memory_bytes; /* -1 unknown */
    double power_w;       /* NAN unknown */
};

/* Two locks: `meters` is held while a reading is taken, which may take long; `state`
 * guards what the readings make. The thread takes meters first, then state. */
struct sampler {
    pthread_t thread;
    pthread_mutex_t meters, state;
    pthread_cond_t wake;
    bool is_stopping;
    const char *root;
    int32_t root_pid;
    struct gpu_meter *gpu;       /* or NULL */
    struct neuron_meter *neuron; /* or NULL */
    bool is_pss;
    struct cgroup group;

    int64_t after_load_bytes, peak_bytes, client_bytes; /* -1 unknown */
    struct instant began;
    struct counters at_begin;
    struct reading last; /* of this repeat; at.ns 0: none */
    double energy_j;     /* so far; NAN once a reading lacked the power */
};

/* /proc/stat, first line: user nice system idle iowait irq softirq steal, in ticks; user
 * holds guest, nice holds guest_nice (proc(5)). */
static void read_counters(const struct sampler *s, struct counters *out)
{
    char text[512];
    double ticks[8] = {0};
    size_t n = 0;
    sysfile_read(s->root, "/proc/stat", text, sizeof text);
    struct str line = sysfile_field(text, "cpu", '\0');
    while (line.len > 0 && n < 8) {
        double value;
        struct str word = str_cut(&line, ' ');
        if (word.len > 0 && str_to_double(word, &value))
            ticks[n++] = value;
    }
    *out = (struct counters){NAN, NAN, NAN, NAN, NAN};
    out->throttled_s = cgroup_throttled_s(s->root, &s->group, NULL);
    double hz = (double)sysconf(_SC_CLK_TCK);
    if (n < 4 || hz <= 0)
        return;
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += ticks[i];
    out->user_s = (ticks[0] + ticks[1]) / hz;
    out->system_s = (ticks[2] + ticks[5] + ticks[6]) / hz;
    out->steal_s = ticks[7] / hz;
    out->total_s = total / hz;
}

static struct reading take_reading(struct sampler *s)
{
    struct reading r = {.memory_bytes = -1, .power_w = NAN};
    if (s->gpu != NULL)
        gpu_meter_read(s->gpu, &r.memory_bytes, &r.power_w);
    else if (s->neuron != NULL)
        r.memory_bytes = neuron_meter_read(s->neuron);
    else if (s->is_pss && s->root_pid != 0)
        r.memory_bytes = tree_memory_bytes(s->root, s->root_pid);
    else if (s->is_pss)
        r.memory_bytes = tree_pss_bytes(s->root, (int32_t)getpid());
    r.at = clock_now();
    return r;
}

/* Books a reading: peak, and energy as the trapezoid between this one and the last. */
static void book(struct sampler *s, const struct reading *r)
{
    if (r->memory_bytes > s->peak_bytes)
        s->peak_bytes = r->memory_bytes;
    int64_t own = tree_own_rss_bytes(s->root);
    if (own > s->client_bytes)
        s->client_bytes = own;
    if (s->last.at.ns != 0) {
        double seconds = clock_to_s(clock_between(s->last.at, r->at));
        s->energy_j += (s->last.power_w + r->power_w) / 2 * seconds;
    }
    s->last = *r;
}

static void read_and_book(struct sampler *s)
{
    pthread_mutex_lock(&s->meters);
    struct reading r = take_reading(s);
    pthread_mutex_lock(&s->state);
    book(s, &r);
    pthread_mutex_unlock(&s->state);
    pthread_mutex_unlock(&s->meters);
}

static void *run_thread(void *arg)
{
    struct sampler *s = arg;
    struct instant next = clock_after(clock_now(), clock_seconds(PERIOD_S));
    pthread_mutex_lock(&s->state);
    while (!s->is_stopping) {
        struct timespec until = {.tv_sec = (time_t)(next.ns / NS_PER_S),
                                 .tv_nsec = (long)(next.ns % NS_PER_S)};
        pthread_cond_timedwait(&s->wake, &s->state, &until);
        if (s->is_stopping || clock_before(clock_now(), next))
            continue;
        pthread_mutex_unlock(&s->state);
        read_and_book(s);
        pthread_mutex_lock(&s->state);
        next = clock_after(clock_now(), clock_seconds(PERIOD_S));
    }
    pthread_mutex_unlock(&s->state);
    return NULL;
}

static void open_meters(struct sampler *s, const char *hardware_type)
{
    struct err e;
    if (strcmp(hardware_type, "gpu") == 0) {
        if (gpu_meter_open(&s->gpu, &e) != STATUS_OK)
            s->gpu = NULL;
    } else if (strcmp(hardware_type, "neuron") == 0) {
        if (neuron_meter_open(s->root, &s->neuron, &e) != STATUS_OK)
            s->neuron = NULL;
    } else {
        s->is_pss = true;
    }
}

static bool start_thread(struct sampler *s)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&s->meters, NULL);
    pthread_mutex_init(&s->state, NULL);
    return pthread_create(&s->thread, NULL, run_thread, s) == 0;
}

static void free_sampler(struct sampler *s)
{
    gpu_meter_close(s->gpu);
    neuron_meter_close(s->neuron);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->meters);
    pthread_mutex_destroy(&s->state);
    mem_free(s);
}

enum status sampler_start(int32_t root_pid, const char *hardware_type,
                          struct sampler **out, struct err *e)
{
    struct sampler *s = mem_alloc(1, sizeof *s);
    if (s == NULL)
        return status_no_memory(e, "sampler");
    s->root = sysfile_root();
    s->root_pid = root_pid;
    s->after_load_bytes = s->peak_bytes = s->client_bytes = -1;
    s->energy_j = NAN;
    cgroup_find(s->root, &s->group);
    open_meters(s, hardware_type);
    if (!start_thread(s)) {
        free_sampler(s);
        return status_fail(e, STATUS_IO, "sampler", "cannot start a thread");
    }
    *out = s;
    return STATUS_OK;
}

void sampler_after_load(struct sampler *s)
{
    pthread_mutex_lock(&s->meters);
    if (s->root_pid != 0 && !s->is_pss) {
        int32_t pids[TREE_MAX];
        size_t count = tree_pids(s->root, s->root_pid, pids, TREE_MAX);
        count = count < TREE_MAX ? count : TREE_MAX;
        if (s->gpu != NULL)
            gpu_meter_choose(s->gpu, pids, count);
        if (s->neuron != NULL)
            neuron_meter_choose(s->neuron, pids, count);
    }
    struct reading r = take_reading(s);
    pthread_mutex_lock(&s->state);
    s->after_load_bytes = r.memory_bytes;
    book(s, &r);
    pthread_mutex_unlock(&s->state);
    pthread_mutex_unlock(&s->meters);
}

void sampler_begin(struct sampler *s)
{
    pthread_mutex_lock(&s->state);
    s->peak_bytes = s->client_bytes = -1;
    s->last = (struct reading){.at = {0}};
    s->energy_j = 0;
    pthread_mutex_unlock(&s->state);
    read_and_book(s);
    pthread_mutex_lock(&s->state);
    s->began = s->last.at;
    read_counters(s, &s->at_begin);
    pthread_mutex_unlock(&s->state);
}

static double mb(int64_t bytes)
{
    return bytes >= 0 ? (double)bytes / 1e6 : NAN;
}

/* Counters may step back a little (proc(5)); NAN stays NAN. */
static double grown(double from, double to)
{
    return to < from ? 0 : to - from;
}

static void set_machine(const struct counters *from, const struct counters *to,
                        struct row *fields)
{
    double total_s = grown(from->total_s, to->total_s);
    double steal_s = grown(from->steal_s, to->steal_s);
    /* a repeat shorter than a tick had no steal that could be seen */
    double ratio = total_s > 0 || isnan(total_s) ? steal_s / total_s : 0;
    fields->v[FIELD_cpu_user_s] = value_num(grown(from->user_s, to->user_s));
    fields->v[FIELD_cpu_system_s] = value_num(grown(from->system_s, to->system_s));
    fields->v[FIELD_steal_ratio] = value_num(ratio);
    fields->v[FIELD_throttled_s] = value_num(grown(from->throttled_s, to->throttled_s));
}

void sampler_end(struct sampler *s, struct row *fields)
{
    struct counters now;
    read_counters(s, &now);
    read_and_book(s);
    pthread_mutex_lock(&s->state);
    int64_t after_load = s->after_load_bytes >= 0 ? s->after_load_bytes
                                                  : s->last.memory_bytes;
    double seconds = clock_to_s(clock_between(s->began, s->last.at));
    fields->v[FIELD_memory_used_mb] = value_num(mb(after_load));
    fields->v[FIELD_peak_memory_mb] = value_num(mb(s->peak_bytes));
    fields->v[FIELD_energy_j] = value_num(s->energy_j);
    fields->v[FIELD_power_mean_w] = value_num(seconds > 0 ? s->energy_j / seconds : NAN);
    fields->v[FIELD_client_rss_mb] = value_num(mb(s->client_bytes));
    set_machine(&s->at_begin, &now, fields);
    pthread_mutex_unlock(&s->state);
}

void sampler_stop(struct sampler *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->state);
    s->is_stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->state);
    pthread_join(s->thread, NULL);
    free_sampler(s);
}
