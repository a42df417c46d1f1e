/* A stand-in for libnvidia-ml.so.1: devices and answers come from the environment.
 *   FAKE_NVML_COUNT   devices (default 2)
 *   FAKE_NVML_INIT    return code of nvmlInit_v2 (default 0)
 *   FAKE_NVML_USED    file with bytes in use on device 0, read at each call
 *   FAKE_NVML_PID     the process that computes on device 1
 *   FAKE_NVML_POWER   1: the driver does not tell the power */
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
    *out = (struct memory){24000000000ULL, 0, index_of(device) == 0 ? used : 1000000ULL};
    return 0;
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
    *count = index_of(device) == 1 && pid != 0;
    if (*count != 0)
        out[0] = (struct process){(unsigned)pid, 1, 0, 0};
    return 0;
}
