#include "net/ranks_mpi.h"

#include <dlfcn.h>
#include <glob.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

struct launcher {
    const char *size; /* the variable that says how many processes there are */
    const char *mark; /* one that is set besides; NULL: none needed */
    const char *library;
};

/* The first whose variables are there. A library of NULL: processes without MPI. */
static const struct launcher launchers[] = {
    {"OMPI_COMM_WORLD_SIZE", NULL, "openmpi"},
    {"PMI_SIZE", NULL, "mpich"},
    {"SLURM_STEP_NUM_TASKS", "PMIX_RANK", "openmpi"},
    {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", NULL},
};

static int64_t number_of(const char *variable)
{
    int64_t number = 0;
    return str_to_i64(str_from(getenv(variable)), &number) ? number : 0;
}

static const struct launcher *find_launcher(void)
{
    for (size_t i = 0; i < sizeof launchers / sizeof launchers[0]; i++) {
        const struct launcher *l = &launchers[i];
        if (getenv(l->size) != NULL && (l->mark == NULL || getenv(l->mark) != NULL))
            return l;
    }
    return NULL;
}

/* Loads one file: 1 it is the plugin; 0 it is not there; -1 it is, and cannot be used. */
static int load(const char *path, const struct ranks_link **out, struct err *e)
{
    if (access(path, R_OK) != 0)
        return 0;
    /* Open MPI opens parts of its own later, which look for its symbols */
    void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    const struct ranks_link *link = library != NULL ? dlsym(library, RANKS_LINK_SYMBOL)
                                                    : NULL;
    if (link == NULL) {
        const char *why = dlerror();
        status_fail(e, STATUS_UNSUPPORTED, path, "%s", why != NULL ? why : "no plugin");
        return -1;
    }
    if (link->version != RANKS_LINK_VERSION) {
        status_fail(e, STATUS_UNSUPPORTED, path, "version %d of the plugin, %d is needed",
                    link->version, RANKS_LINK_VERSION);
        status_hint(e, "install program and plugins of one build");
        return -1;
    }
    *out = link;
    return 1;
}

static int load_matches(const char *pattern, const struct ranks_link **out, struct err *e)
{
    glob_t found = {0};
    int state = 0;
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; state == 0 && i < found.gl_pathc; i++)
            state = load(found.gl_pathv[i], out, e);
    globfree(&found);
    return state;
}

static int look(const char *name, const struct ranks_link **out, struct err *e)
{
    static const char *const places[] = {"/", "/../lib*/inferbench/",
                                         "/../lib/*/inferbench/"};
    char path[PATH_MAX + 64] = "";
    const char *folder = getenv("INFERBENCH_PLUGIN_DIR");
    if (folder != NULL && folder[0] != '\0') {
        snprintf(path, sizeof path, "%s/%s", folder, name);
        return load(path, out, e);
    }
    char self[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = length > 0 ? strrchr(self, '/') : NULL;
    if (slash == NULL)
        return 0;
    *slash = '\0';
    int state = 0;
    for (size_t i = 0; state == 0 && i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, "%s%s%s", self, places[i], name);
        state = load_matches(path, out, e);
    }
    return state;
}

static enum status refuse_alone(const struct launcher *l, struct err *e)
{
    status_fail(e, STATUS_UNSUPPORTED, l->size,
                "%lld processes were started without MPI: each would send the whole load",
                (long long)number_of(l->size));
    return status_hint(e,
                       "start them with srun --mpi=pmix or --mpi=pmi2, or with mpirun");
}

enum status ranks_mpi_find(const char *which, const struct ranks_link **out,
                           struct err *e)
{
    *out = NULL;
    const struct launcher *l = find_launcher();
    if (str_same(which, "none") || l == NULL || number_of(l->size) == 1)
        return STATUS_OK;
    const char *library = str_same(which, "auto") ? l->library : which;
    if (library == NULL)
        return refuse_alone(l, e);
    char name[64];
    snprintf(name, sizeof name, "inferbench-mpi-%s.so", library);
    int state = look(name, out, e);
    if (state > 0)
        return STATUS_OK;
    if (state < 0)
        return STATUS_UNSUPPORTED;
    status_fail(e, STATUS_NOT_FOUND, name,
                "%s is set, but the plugin for this MPI is not there: each process "
                "would send the whole load",
                l->size);
    return status_hint(e, "build inferbench where the headers of that MPI are installed, "
                          "or name the plugin's folder in INFERBENCH_PLUGIN_DIR");
}
