#include "probe/env.h"

#include <stdint.h>

#include "base/clock.h"
#include "probe/cgroup.h"
#include "probe/cpu.h"
#include "probe/gpu_meter.h"
#include "probe/identity.h"
#include "probe/imds.h"
#include "probe/machine.h"
#include "probe/neuron.h"
#include "probe/packages.h"
#include "probe/sysfile.h"
#include "probe/variables.h"
#include "text/jsonw.h"

#define JSON_CAP_BYTES ((size_t)8 << 20)

struct facts {
    struct machine_facts machine;
    struct cpu_facts cpu;
    struct cgroup_limits limits;
    struct gpu_facts gpu;
    struct neuron_facts neuron;
    struct imds_facts imds;
    const char *packages; /* JSON */
    double throttled_s;
    int64_t throttled_periods;
    const char *instance_type, *instance_source;
    char machine_sha256[DIGEST_HEX_BYTES]; /* "": nothing tells it from others */
};

/* Neuron devices are nowhere else, also where a container hides DMI. */
static bool is_ec2(const struct facts *f)
{
    return f->machine.is_ec2 || f->neuron.count > 0;
}

static void ask_instance(bool use_imds, struct arena *a, struct facts *f)
{
    f->imds = (struct imds_facts){.problem = NULL};
    if (!is_ec2(f))
        return;
    if (use_imds)
        imds_ask(a, &f->imds);
    else
        f->imds.problem = "not asked (--no-imds)";
    if (f->imds.type != NULL) {
        f->instance_type = f->imds.type;
        f->instance_source = "imds";
    } else if (f->machine.product != NULL && imds_is_type(f->machine.product)) {
        f->instance_type = f->machine.product;
        f->instance_source = "dmi";
    } else if (f->neuron.instance_type != NULL && imds_is_type(f->neuron.instance_type)) {
        f->instance_type = f->neuron.instance_type;
        f->instance_source = f->neuron.source;
    }
}

static void find_facts(const struct env_request *q, struct arena *a, struct facts *f)
{
    const char *root = sysfile_root();
    struct cgroup group;
    machine_probe(root, a, &f->machine);
    cpu_probe(root, a, &f->cpu);
    cgroup_find(root, &group);
    cgroup_limits(root, &group, &f->limits);
    f->throttled_s = cgroup_throttled_s(root, &group, &f->throttled_periods);
    gpu_meter_probe(&f->gpu);
    neuron_probe(root, a, &f->neuron);
    ask_instance(q->use_imds, a, f);
    (void)identity_digest(root, &f->cpu, &f->gpu, &f->neuron, f->machine_sha256);
    f->packages = packages_probe(q->python, a);
}

static void write_times(struct jsonw *w)
{
    struct wall now = clock_wall();
    char text[CLOCK_TEXT_BYTES];
    clock_iso_local(now, clock_utc_offset_s(now), text);
    jsonw_str(w, "timestamp", text);
    clock_iso_utc(now, text);
    jsonw_str(w, "timestamp_utc", text);
}

static void write_machine(const struct facts *f, struct jsonw *w)
{
    jsonw_object(w, "platform");
    machine_write_platform(&f->machine, w);
    jsonw_str(w, "machine_sha256",
              f->machine_sha256[0] != '\0' ? f->machine_sha256 : NULL);
    jsonw_object_end(w);
    jsonw_object(w, "cpu");
    cpu_write(&f->cpu, w);
    jsonw_num(w, "limit_cores", f->limits.cpu_limit_cores);
    jsonw_num(w, "throttled_s", f->throttled_s);
    jsonw_int(w, "throttled_periods", f->throttled_periods);
    jsonw_object_end(w);
    jsonw_object(w, "memory");
    machine_write_memory(&f->machine, w);
    if (f->limits.memory_limit_bytes >= 0)
        jsonw_num(w, "limit_mb", (double)f->limits.memory_limit_bytes / 1e6);
    else
        jsonw_null(w, "limit_mb");
    jsonw_object_end(w);
}

/* null off EC2. */
static void write_instance(const struct facts *f, struct jsonw *w)
{
    if (!is_ec2(f)) {
        jsonw_null(w, "instance");
        return;
    }
    jsonw_object(w, "instance");
    jsonw_str(w, "type", f->instance_type);
    jsonw_str(w, "region", f->imds.region);
    jsonw_str(w, "availability_zone", f->imds.zone);
    jsonw_str(w, "ami_id", f->imds.ami_id);
    jsonw_str(w, "life_cycle", f->imds.life_cycle);
    jsonw_str(w, "source", f->instance_source);
    jsonw_str(w, "problem", f->imds.problem);
    jsonw_object_end(w);
}

static void write_client(const struct facts *f, struct jsonw *w)
{
    jsonw_object(w, "client");
    jsonw_str(w, "hostname", f->machine.hostname);
    jsonw_str(w, "os", f->machine.os);
    jsonw_str(w, "kernel", f->machine.kernel);
    jsonw_str(w, "cpu_model", f->cpu.model);
    jsonw_count(w, "usable_threads", f->cpu.usable_threads);
    jsonw_num(w, "memory_mb", f->machine.total_mb);
    jsonw_str(w, "clocksource", f->machine.clocksource);
    jsonw_object_end(w);
}

static void write_env(const struct env_request *q, const struct facts *f, struct arena *a,
                      struct jsonw *w)
{
    jsonw_object(w, NULL);
    write_times(w);
    write_machine(f, w);
    gpu_write(&f->gpu, w, "gpu");
    neuron_write(&f->neuron, w, "neuron");
    write_instance(f, w);
    jsonw_raw(w, "python_packages", f->packages);
    variables_write(w, "environment_variables", a);
    jsonw_raw(w, "benchmark_config", q->config_json != NULL ? q->config_json : "{}");
    write_client(f, w);
    jsonw_str(w, "tool", q->tool);
    jsonw_object_end(w);
}

static const char *driver_of(const struct facts *f)
{
    return f->gpu.driver[0] != '\0' ? f->gpu.driver : f->neuron.driver;
}

enum status env_collect(const struct env_request *q, struct arena *a, struct env *out,
                        struct err *e)
{
    struct facts *f = arena_alloc(a, 1, sizeof *f);
    if (f == NULL)
        return status_no_memory(e, "environment");
    find_facts(q, a, f);
    struct buf text;
    struct jsonw w;
    buf_init(&text, JSON_CAP_BYTES);
    jsonw_init(&w, &text, 0);
    write_env(q, f, a, &w);
    enum status code = text.failed;
    const char *json = code == STATUS_OK ? arena_strdup(a, buf_cstr(&text)) : NULL;
    buf_fini(&text);
    if (code == STATUS_OK && json == NULL)
        code = STATUS_NO_MEMORY;
    if (code != STATUS_OK)
        return status_fail(e, code, "environment", "%s", status_text(code));
    *out = (struct env){
        .json = json,
        .instance_type = f->instance_type,
        .region = f->imds.region,
        .machine_sha256 = f->machine_sha256[0] != '\0' ? f->machine_sha256 : NULL,
        .driver_version = driver_of(f),
        .nvidia_devices = (int64_t)f->gpu.count,
        .neuron_devices = (int64_t)f->neuron.count,
    };
    return STATUS_OK;
}
