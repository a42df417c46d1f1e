#include "probe/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>

#include "probe/sysfile.h"

static const char *line_of(const char *root, const char *path, struct arena *a)
{
    char text[512];
    if (!sysfile_read(root, path, text, sizeof text) || text[0] == '\0')
        return NULL;
    return arena_strdup(a, text);
}

/* A value of os-release without its quotes. */
static const char *release_field(const char *text, const char *key, struct arena *a)
{
    struct str value = sysfile_field(text, key, '=');
    if (value.len >= 2 && (value.ptr[0] == '"' || value.ptr[0] == '\'')) {
        value.ptr++;
        value.len -= 2;
    }
    return value.len > 0 ? arena_str(a, value) : NULL;
}

static void read_os(const char *root, struct arena *a, struct machine_facts *f)
{
    char text[4096];
    if (!sysfile_read(root, "/etc/os-release", text, sizeof text))
        sysfile_read(root, "/usr/lib/os-release", text, sizeof text);
    f->os = release_field(text, "PRETTY_NAME", a);
    f->os_id = release_field(text, "ID", a);
    f->os_version = release_field(text, "VERSION_ID", a);
    struct utsname names;
    if (uname(&names) == 0) {
        f->system = arena_strdup(a, names.sysname);
        f->arch = arena_strdup(a, names.machine);
    }
    f->kernel = line_of(root, "/proc/sys/kernel/osrelease", a);
    f->kernel_version = line_of(root, "/proc/sys/kernel/version", a);
    f->hostname = line_of(root, "/proc/sys/kernel/hostname", a);
}

static const char *container_kind(const char *root)
{
    if (getenv("KUBERNETES_SERVICE_HOST") != NULL)
        return "kubernetes";
    if (sysfile_exists(root, "/.dockerenv"))
        return "docker";
    return sysfile_exists(root, "/run/.containerenv") ? "podman" : NULL;
}

/* The chosen word of "always [madvise] never". */
static const char *chosen_word(const char *root, const char *path, struct arena *a)
{
    char text[128];
    sysfile_read(root, path, text, sizeof text);
    const char *from = strchr(text, '[');
    const char *to = from != NULL ? strchr(from, ']') : NULL;
    return to != NULL ? arena_str(a, (struct str){from + 1, (size_t)(to - from - 1)})
                      : NULL;
}

static double kib_to_mb(const char *meminfo, const char *key)
{
    int64_t kib = sysfile_field_i64(meminfo, key, ':', -1);
    return kib >= 0 ? (double)kib * 1024 / 1e6 : NAN;
}

/* On Nitro DMI names Amazon; on Xen (t2, m4, p3 ...) it names Xen, but versions end in
 * ".amazon", and the hypervisor's UUID begins with "ec2". */
static bool is_ec2(const char *root, const char *vendor)
{
    static const char *const versions[] = {"/sys/devices/virtual/dmi/id/bios_version",
                                           "/sys/devices/virtual/dmi/id/product_version"};
    char text[256];
    if (vendor != NULL && strncmp(vendor, "Amazon", 6) == 0)
        return true;
    for (size_t i = 0; i < 2; i++) {
        sysfile_read(root, versions[i], text, sizeof text);
        if (strstr(text, "amazon") != NULL)
            return true;
    }
    sysfile_read(root, "/sys/hypervisor/uuid", text, sizeof text);
    return strncasecmp(text, "ec2", 3) == 0;
}

void machine_probe(const char *root, struct arena *a, struct machine_facts *out)
{
    *out = (struct machine_facts){.system = NULL};
    read_os(root, a, out);
    out->container = container_kind(root);
    out->vendor = line_of(root, "/sys/devices/virtual/dmi/id/sys_vendor", a);
    out->product = line_of(root, "/sys/devices/virtual/dmi/id/product_name", a);
    out->is_ec2 = is_ec2(root, out->vendor);
    out->clocksource = line_of(
        root, "/sys/devices/system/clocksource/clocksource0/current_clocksource", a);
    out->huge_pages = chosen_word(root, "/sys/kernel/mm/transparent_hugepage/enabled", a);
    char text[4096];
    sysfile_read(root, "/proc/meminfo", text, sizeof text);
    out->total_mb = kib_to_mb(text, "MemTotal");
    out->available_mb = kib_to_mb(text, "MemAvailable");
    out->swap_mb = kib_to_mb(text, "SwapTotal");
}

void machine_write_platform(const struct machine_facts *f, struct jsonw *w)
{
    jsonw_str(w, "system", f->system);
    jsonw_str(w, "kernel", f->kernel);
    jsonw_str(w, "kernel_version", f->kernel_version);
    jsonw_str(w, "machine", f->arch);
    jsonw_str(w, "hostname", f->hostname);
    jsonw_str(w, "os", f->os);
    jsonw_str(w, "os_id", f->os_id);
    jsonw_str(w, "os_version", f->os_version);
    jsonw_str(w, "container", f->container);
    jsonw_str(w, "vendor", f->vendor);
    jsonw_str(w, "product", f->product);
}

void machine_write_memory(const struct machine_facts *f, struct jsonw *w)
{
    jsonw_num(w, "total_mb", f->total_mb);
    jsonw_num(w, "available_mb", f->available_mb);
    jsonw_num(w, "swap_total_mb", f->swap_mb);
    jsonw_str(w, "transparent_huge_pages", f->huge_pages);
}
