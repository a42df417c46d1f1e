/* A stand-in for libnvidia-ml.so.1: devices and answers come from the environment.
 *   FAKE_NVML_COUNT   devices (default 2)
 *   FAKE_NVML_INIT    return code of nvmlInit_v2 (default 0)
 *   FAKE_NVML_USED    file with bytes in use on device 0, read at each call
 *   FAKE_NVML_PID     the process that computes on device 1
 *   FAKE_NVML_POWER   1: the driver does not tell the power
 *   FAKE_NVML_MEMORY  return code of nvmlDeviceGetMemoryInfo (3: a GB10)
 *   FAKE_NVML_MIG     slices of device 0; then it is divided, and the process of
 *                     FAKE_NVML_PID is in its slice MIG-2 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory {
    unsigned long long total, free, used;
};

struct process {
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance, compute_instance;
};

static int number(const char *name, int fallback)
{
    const char *text = getenv(name);
    return text != NULL ? (int)strtol(text, NULL, 10) : fallback;
}

static int index_of(void *device)
{
    return (int)((char *)device - (char *)0x1000);
}

/* A slice's handle: 0x2000 + 1 and on. */
static int is_slice(void *device)
{
    return (char *)device > (char *)0x2000;
}

static int slice_of(void *device)
{
    return (int)((char *)device - (char *)0x2000);
}

const char *nvmlErrorString(int code)
{
    return code == 18 ? "Driver/library version mismatch" : "another error";
}

int nvmlDeviceGetMigMode(void *device, unsigned *now, unsigned *pending)
{
    if (getenv("FAKE_NVML_MIG") == NULL)
        return 3;
    *now = *pending = index_of(device) == 0;
    return 0;
}

int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *count)
{
    (void)device;
    *count = 7;
    return 0;
}

/* The number 0 is a gap, as after a slice was taken away. */
int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned i, void **slice)
{
    (void)device;
    *slice = (char *)0x2000 + i;
    return i >= 1 && i <= (unsigned)number("FAKE_NVML_MIG", 0) ? 0 : 6;
}

int nvmlInit_v2(void)
{
    return number("FAKE_NVML_INIT", 0);
}

int nvmlShutdown(void)
{
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = (unsigned)number("FAKE_NVML_COUNT", 2);
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **device)
{
    *device = (char *)0x1000 + i;
    return 0;
}

int nvmlSystemGetDriverVersion(char *out, unsigned size)
{
    snprintf(out, size, "570.133.20");
    return 0;
}

int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    *version = 12080;
    return 0;
}

int nvmlDeviceGetName(void *device, char *out, unsigned size)
{
    (void)device;
    snprintf(out, size, "NVIDIA A10G");
    return 0;
}

int nvmlDeviceGetUUID(void *device, char *out, unsigned size)
{
    if (is_slice(device))
        snprintf(out, size, "MIG-%d", slice_of(device));
    else
        snprintf(out, size, "GPU-%d", index_of(device));
    return 0;
}

int nvmlDeviceGetMemoryInfo(void *device, struct memory *out)
{
    const char *path = getenv("FAKE_NVML_USED");
    unsigned long long used = 3000000000ULL;
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    if (file != NULL) {
        if (fscanf(file, "%llu", &used) != 1)
            used = 0;
        fclose(file);
    }
    if (is_slice(device)) {
        *out = (struct memory){5000000000ULL, 0,
                               100000000ULL * (unsigned)slice_of(device)};
        return 0;
    }
    *out = (struct memory){24000000000ULL, 0, index_of(device) == 0 ? used : 1000000ULL};
    return number("FAKE_NVML_MEMORY", 0);
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts)
{
    *milliwatts = index_of(device) == 0 ? 150000 : 20000;
    return number("FAKE_NVML_POWER", 0) != 0 ? 3 : 0;
}

int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor)
{
    (void)device;
    *major = 8;
    *minor = 6;
    return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count,
                                            struct process *out)
{
    int pid = number("FAKE_NVML_PID", 0);
    int is_here = getenv("FAKE_NVML_MIG") != NULL
                      ? is_slice(device) && slice_of(device) == 2
                      : index_of(device) == 1;
    *count = is_here && pid != 0;
    if (*count != 0)
        out[0] = (struct process){(unsigned)pid, 123, 0, 0};
    return 0;
}
