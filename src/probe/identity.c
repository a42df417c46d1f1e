#include "probe/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "probe/sysfile.h"

#define SALT          "inferbench machine 1"
#define UNINITIALIZED "uninitialized" /* by systemd, before the first boot */

static void add(struct digest *d, const char *text)
{
    digest_add(d, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
    digest_add(d, "", 1); /* ends the part */
}

/* In an order of their own: drivers number devices as they like. */
static bool add_gpus(struct digest *d, const struct gpu_facts *gpu)
{
    const char *texts[GPU_MAX_DEVICES];
    bool has_uuid = false;
    for (size_t i = 0; i < gpu->count; i++) {
        bool is_named = gpu->devices[i].uuid[0] != '\0';
        texts[i] = is_named ? gpu->devices[i].uuid : gpu->devices[i].name;
        has_uuid = has_uuid || is_named;
    }
    if (gpu->count > 0)
        qsort(texts, gpu->count, sizeof *texts, str_order);
    for (size_t i = 0; i < gpu->count; i++)
        add(d, texts[i]);
    return has_uuid;
}

bool identity_digest(const char *root, const struct cpu_facts *cpu,
                     const struct gpu_facts *gpu, const struct neuron_facts *neuron,
                     char out[DIGEST_HEX_BYTES])
{
    char id[128], threads[32];
    struct digest d;
    out[0] = '\0';
    if (!sysfile_read(root, "/etc/machine-id", id, sizeof id) ||
        strcmp(id, UNINITIALIZED) == 0)
        id[0] = '\0';
    if (digest_init(&d) != STATUS_OK)
        return false;
    add(&d, SALT);
    add(&d, id);
    add(&d, cpu->model);
    snprintf(threads, sizeof threads, "%lld", (long long)cpu->threads);
    add(&d, threads);
    bool is_known = add_gpus(&d, gpu) || id[0] != '\0';
    for (size_t i = 0; i < neuron->count; i++)
        add(&d, neuron->device_name != NULL ? neuron->device_name : "neuron");
    if (!is_known &&
        sysfile_read(root, "/proc/sys/kernel/random/boot_id", id, sizeof id)) {
        add(&d, id); /* a container, as a rule: until the machine is started again */
        is_known = id[0] != '\0';
    }
    digest_hex(&d, out);
    if (!is_known)
        out[0] = '\0';
    return is_known;
}
