#include "probe/nvml.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Types and numbers of NVML's public interface (nvml.h of the CUDA toolkit). */

struct nvml_device;
typedef int nvml_return;

enum { NVML_SUCCESS = 0, NVML_NOT_SUPPORTED = 3 };
enum { CLOCK_SM = 1, CLOCK_MEMORY = 2, SENSOR_GPU = 0 };
enum { PROCESS_MAX = 64 };

struct memory_v1 {
    unsigned long long total, free, used; /* used contains what is reserved */
};

struct memory_v2 {
    unsigned version; /* size of the struct, 2 in the top byte */
    unsigned long long total, reserved, free, used;
};

struct pci_info {
    char bus_id_legacy[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

struct process_info {
    unsigned pid;
    unsigned long long used_bytes;
    unsigned gpu_instance, compute_instance;
};

/* One row a function: member, symbol, arguments behind the return type. */
#define NVML_FUNCTIONS(X)                                                                \
    X(init, "nvmlInit_v2", (void))                                                       \
    X(shutdown, "nvmlShutdown", (void))                                                  \
    X(count, "nvmlDeviceGetCount_v2", (unsigned *))                                      \
    X(handle, "nvmlDeviceGetHandleByIndex_v2", (unsigned, struct nvml_device **))        \
    X(driver, "nvmlSystemGetDriverVersion", (char *, unsigned))                          \
    X(cuda, "nvmlSystemGetCudaDriverVersion_v2", (int *))                                \
    X(name, "nvmlDeviceGetName", (struct nvml_device *, char *, unsigned))               \
    X(uuid, "nvmlDeviceGetUUID", (struct nvml_device *, char *, unsigned))               \
    X(memory, "nvmlDeviceGetMemoryInfo", (struct nvml_device *, struct memory_v1 *))     \
    X(memory2, "nvmlDeviceGetMemoryInfo_v2", (struct nvml_device *, struct memory_v2 *)) \
    X(power, "nvmlDeviceGetPowerUsage", (struct nvml_device *, unsigned *))              \
    X(limit, "nvmlDeviceGetEnforcedPowerLimit", (struct nvml_device *, unsigned *))      \
    X(clock, "nvmlDeviceGetClockInfo", (struct nvml_device *, int, unsigned *))          \
    X(clock_max, "nvmlDeviceGetMaxClockInfo", (struct nvml_device *, int, unsigned *))   \
    X(heat, "nvmlDeviceGetTemperature", (struct nvml_device *, int, unsigned *))         \
    X(capability, "nvmlDeviceGetCudaComputeCapability",                                  \
      (struct nvml_device *, int *, int *))                                              \
    X(pci, "nvmlDeviceGetPciInfo_v3", (struct nvml_device *, struct pci_info *))         \
    X(link_gen, "nvmlDeviceGetCurrPcieLinkGeneration",                                   \
      (struct nvml_device *, unsigned *))                                                \
    X(link_width, "nvmlDeviceGetCurrPcieLinkWidth", (struct nvml_device *, unsigned *))  \
    X(persistence, "nvmlDeviceGetPersistenceMode", (struct nvml_device *, unsigned *))   \
    X(mig, "nvmlDeviceGetMigMode", (struct nvml_device *, unsigned *, unsigned *))       \
    X(ecc, "nvmlDeviceGetEccMode", (struct nvml_device *, unsigned *, unsigned *))       \
    X(slice_max, "nvmlDeviceGetMaxMigDeviceCount", (struct nvml_device *, unsigned *))   \
    X(slice, "nvmlDeviceGetMigDeviceHandleByIndex",                                      \
      (struct nvml_device *, unsigned, struct nvml_device **))                           \
    X(processes, "nvmlDeviceGetComputeRunningProcesses_v3",                              \
      (struct nvml_device *, unsigned *, struct process_info *))

struct nvml {
    void *library;
    unsigned device_count;
    struct nvml_device *devices[GPU_MAX_DEVICES];
    struct nvml_device *slices[GPU_MAX_DEVICES][GPU_MAX_SLICES];
    const char *(*error_text)(nvml_return); /* or NULL */
#define X(member, symbol, args) nvml_return(*member) args;
    NVML_FUNCTIONS(X)
#undef X
};

/* Where the library lies besides the linker's own folders. */
static const char *const library_names[] = {
    "libnvidia-ml.so.1",
    "/usr/local/nvidia/lib64/libnvidia-ml.so.1",
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
};

static void *open_library(void)
{
    void *library = NULL;
    size_t count = sizeof library_names / sizeof library_names[0];
    for (size_t i = 0; library == NULL && i < count; i++)
        library = dlopen(library_names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

static void find_functions(struct nvml *n)
{
    /* POSIX lets a function's address travel in a void *; ISO C only by its bytes */
#define X(member, symbol, args)                       \
    {                                                 \
        void *address = dlsym(n->library, symbol);    \
        memcpy(&n->member, &address, sizeof address); \
    }
    NVML_FUNCTIONS(X)
#undef X
    void *address = dlsym(n->library, "nvmlErrorString");
    memcpy(&n->error_text, &address, sizeof address);
}

static enum status refuse(struct nvml *n, struct err *e, const char *what, int code)
{
    char text[128] = "";
    if (n->error_text != NULL && n->error_text(code) != NULL)
        snprintf(text, sizeof text, ": %s", n->error_text(code));
    if (n->library != NULL)
        dlclose(n->library);
    mem_free(n);
    return status_fail(e, STATUS_UNSUPPORTED, "NVML", "%s (code %d)%s", what, code, text);
}

enum status nvml_open(struct nvml **out, struct err *e)
{
    struct nvml *n = mem_alloc(1, sizeof *n);
    if (n == NULL)
        return status_no_memory(e, "NVML");
    n->library = open_library();
    if (n->library == NULL) {
        mem_free(n);
        return status_fail(e, STATUS_NOT_FOUND, "NVML", "no libnvidia-ml.so.1");
    }
    find_functions(n);
    if (n->init == NULL || n->count == NULL || n->handle == NULL)
        return refuse(n, e, "the library lacks functions", 0);
    nvml_return code = n->init();
    if (code != NVML_SUCCESS)
        return refuse(n, e, "the driver does not answer", code);
    unsigned count = 0;
    code = n->count(&count);
    if (code != NVML_SUCCESS) {
        n->shutdown();
        return refuse(n, e, "the devices cannot be counted", code);
    }
    for (unsigned i = 0; i < count && n->device_count < GPU_MAX_DEVICES; i++) {
        struct nvml_device **slot = &n->devices[n->device_count];
        if (n->handle(i, slot) != NVML_SUCCESS)
            *slot = NULL; /* a device that fell off the bus keeps its number */
        n->device_count++;
    }
    *out = n;
    return STATUS_OK;
}

void nvml_close(struct nvml *n)
{
    if (n == NULL)
        return;
    if (n->shutdown != NULL)
        n->shutdown();
    dlclose(n->library);
    mem_free(n);
}

/* A number of the device, or -1. */
static int64_t ask(nvml_return (*fn)(struct nvml_device *, unsigned *),
                   struct nvml_device *d)
{
    unsigned value = 0;
    return fn != NULL && fn(d, &value) == NVML_SUCCESS ? (int64_t)value : -1;
}

static double ask_of(nvml_return (*fn)(struct nvml_device *, int, unsigned *),
                     struct nvml_device *d, int what)
{
    unsigned value = 0;
    return fn != NULL && fn(d, what, &value) == NVML_SUCCESS ? (double)value : NAN;
}

static int ask_mode(nvml_return (*fn)(struct nvml_device *, unsigned *, unsigned *),
                    struct nvml_device *d)
{
    unsigned now = 0;
    unsigned pending = 0;
    return fn != NULL && fn(d, &now, &pending) == NVML_SUCCESS ? now != 0 : -1;
}

static double milliwatts(int64_t value)
{
    return value >= 0 ? (double)value / 1e3 : NAN;
}

/* The code with which the driver told it or did not. */
static nvml_return read_memory(struct nvml *n, struct nvml_device *d,
                               int64_t *total_bytes, int64_t *used_bytes)
{
    nvml_return code = NVML_SUCCESS;
    struct memory_v2 v2 = {.version = (unsigned)sizeof v2 | 2U << 24};
    struct memory_v1 v1 = {0};
    *total_bytes = -1;
    *used_bytes = -1;
    if (n->memory2 != NULL && (code = n->memory2(d, &v2)) == NVML_SUCCESS) {
        *total_bytes = (int64_t)v2.total;
        *used_bytes = (int64_t)v2.used;
    } else if (n->memory != NULL && (code = n->memory(d, &v1)) == NVML_SUCCESS) {
        *total_bytes = (int64_t)v1.total;
        *used_bytes = (int64_t)v1.used;
    }
    return code;
}

static void read_slices(struct nvml *n, int i, struct gpu_device *g)
{
    unsigned most = 0;
    if (n->slice == NULL || n->slice_max == NULL ||
        n->slice_max(n->devices[i], &most) != NVML_SUCCESS)
        return;
    for (unsigned k = 0; k < most && g->slice_count < GPU_MAX_SLICES; k++) {
        struct nvml_device *d = NULL;
        if (n->slice(n->devices[i], k, &d) != NVML_SUCCESS || d == NULL)
            continue; /* numbers may have gaps */
        struct gpu_slice *s = &g->slices[g->slice_count];
        if (n->uuid == NULL || n->uuid(d, s->uuid, sizeof s->uuid) != NVML_SUCCESS)
            s->uuid[0] = '\0';
        (void)read_memory(n, d, &s->total_bytes, &s->used_bytes);
        n->slices[i][g->slice_count++] = d;
    }
}

static void read_identity(struct nvml *n, struct nvml_device *d, struct gpu_device *g)
{
    struct pci_info pci = {.bus_id = ""};
    int major;
    int minor;
    if (n->name != NULL && n->name(d, g->name, sizeof g->name) != NVML_SUCCESS)
        g->name[0] = '\0';
    if (n->uuid != NULL && n->uuid(d, g->uuid, sizeof g->uuid) != NVML_SUCCESS)
        g->uuid[0] = '\0';
    if (n->pci != NULL && n->pci(d, &pci) == NVML_SUCCESS)
        snprintf(g->bus, sizeof g->bus, "%s", pci.bus_id);
    if (n->capability != NULL && n->capability(d, &major, &minor) == NVML_SUCCESS)
        snprintf(g->compute_capability, sizeof g->compute_capability, "%d.%d", major,
                 minor);
}

static void read_device(struct nvml *n, int i, struct gpu_device *g)
{
    struct nvml_device *d = n->devices[i];
    *g = gpu_blank(i);
    if (d == NULL)
        return;
    read_identity(n, d, g);
    nvml_return memory = read_memory(n, d, &g->total_bytes, &g->used_bytes);
    g->power_w = milliwatts(ask(n->power, d));
    g->power_limit_w = milliwatts(ask(n->limit, d));
    g->sm_clock_mhz = ask_of(n->clock, d, CLOCK_SM);
    g->sm_clock_max_mhz = ask_of(n->clock_max, d, CLOCK_SM);
    g->memory_clock_max_mhz = ask_of(n->clock_max, d, CLOCK_MEMORY);
    g->temperature_c = ask_of(n->heat, d, SENSOR_GPU);
    g->pcie_generation = (int)ask(n->link_gen, d);
    g->pcie_width = (int)ask(n->link_width, d);
    g->is_persistent = (int)ask(n->persistence, d);
    g->is_mig = ask_mode(n->mig, d);
    g->is_ecc = ask_mode(n->ecc, d);
    g->is_shared = memory == NVML_NOT_SUPPORTED && g->is_mig != 1;
    if (g->is_mig == 1)
        read_slices(n, i, g);
}

void nvml_facts(struct nvml *n, struct gpu_facts *out)
{
    int cuda = 0;
    out->source = "nvml";
    if (n->driver != NULL && n->driver(out->driver, sizeof out->driver) != NVML_SUCCESS)
        out->driver[0] = '\0';
    if (n->cuda != NULL && n->cuda(&cuda) == NVML_SUCCESS)
        snprintf(out->cuda, sizeof out->cuda, "%d.%d", cuda / 1000, cuda % 1000 / 10);
    for (out->count = 0; out->count < n->device_count; out->count++)
        read_device(n, (int)out->count, &out->devices[out->count]);
}

/* NULL: there is no such unit. */
static struct nvml_device *find_unit(struct nvml *n, struct nvml_unit u)
{
    if (u.device < 0 || (unsigned)u.device >= n->device_count ||
        u.slice >= GPU_MAX_SLICES)
        return NULL;
    return u.slice < 0 ? n->devices[u.device] : n->slices[u.device][u.slice];
}

void nvml_sample(struct nvml *n, struct nvml_unit u, int64_t *used_bytes, double *power_w)
{
    struct nvml_device *d = find_unit(n, u);
    int64_t total_bytes;
    *used_bytes = -1;
    *power_w = NAN;
    if (d == NULL)
        return;
    (void)read_memory(n, d, &total_bytes, used_bytes);
    if (u.slice < 0)
        *power_w = milliwatts(ask(n->power, d));
}

size_t nvml_processes(struct nvml *n, struct nvml_unit u, struct nvml_process *out,
                      size_t cap)
{
    struct process_info found[PROCESS_MAX];
    unsigned count = PROCESS_MAX;
    struct nvml_device *d = find_unit(n, u);
    if (d == NULL || n->processes == NULL ||
        n->processes(d, &count, found) != NVML_SUCCESS)
        return 0;
    size_t written = 0;
    for (unsigned k = 0; k < count && k < PROCESS_MAX && written < cap; k++) {
        int64_t bytes = found[k].used_bytes <= INT64_MAX ? (int64_t)found[k].used_bytes
                                                         : -1;
        out[written++] = (struct nvml_process){(int32_t)found[k].pid, bytes};
    }
    return written;
}
