#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "probe_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "folder_fixture.h"
#include "probe/sysfile.h"
#include "text/jsonw.h"

#define PROBE_FIXTURE_DIRS 12

const char *probe_fixture_path(const char *name)
{
    static char path[1024];
    const char *root = getenv("INFERBENCH_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/captures/%s", root != NULL ? root : ".", name);
    return path;
}

const char *probe_fixture_text(const char *name, struct arena *a)
{
    struct buf content;
    struct err e;
    buf_init(&content, 1 << 20);
    assert_int_equal(file_read(probe_fixture_path(name), &content, &e), STATUS_OK);
    const char *text = arena_strdup(a, buf_cstr(&content));
    buf_fini(&content);
    assert_non_null(text);
    return text;
}

json_t *probe_fixture_object(void (*write)(const void *facts, struct jsonw *w),
                             const void *facts)
{
    struct buf text;
    struct jsonw w;
    struct err e;
    json_t *top = NULL;
    buf_init(&text, 1 << 20);
    jsonw_init(&w, &text, 0);
    jsonw_object(&w, NULL);
    write(facts, &w);
    jsonw_object_end(&w);
    struct str written = {buf_cstr(&text), text.len};
    assert_int_equal(json_from_text(written, "test", &top, &e), STATUS_OK);
    buf_fini(&text);
    return top;
}

const char *probe_fixture_dir(void)
{
    static char made[PROBE_FIXTURE_DIRS][FOLDER_FIXTURE_BYTES];
    static size_t count;
    assert_true(count < PROBE_FIXTURE_DIRS);
    folder_fixture_make(made[count]);
    folder_fixture_remove_at_exit(made[count]);
    return made[count++];
}

void probe_fixture_file(const char *dir, const char *name, const char *text,
                        bool is_program)
{
    char path[1024];
    struct err e;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(file_make_dirs(path, &e), STATUS_OK);
    *slash = '/';
    assert_int_equal(file_replace(path, str_from(text), &e), STATUS_OK);
    if (is_program)
        assert_int_equal(chmod(path, 0755), 0);
}

void probe_fixture_fake_nvml(char **argv)
{
    if (getenv("FAKE_NVML_DIR") != NULL) {
        folder_fixture_remove_at_exit(getenv("FAKE_NVML_DIR"));
        return;
    }
    char library[512];
    char source[1024];
    const char *dir = probe_fixture_dir();
    snprintf(library, sizeof library, "%s/libnvidia-ml.so.1", dir);
    snprintf(source, sizeof source, "%s", probe_fixture_path("fake_nvml.c"));
    const char *cc[] = {"cc", "-shared", "-fPIC", "-o", library, source, NULL};
    struct buf out;
    struct err e;
    int exit_code = -1;
    buf_init(&out, 4096);
    if (proc_run(cc, clock_seconds(60), &out, &exit_code, &e) == STATUS_OK &&
        exit_code == 0) {
        setenv("FAKE_NVML_DIR", dir, 1);
        setenv("LD_LIBRARY_PATH", dir, 1);
        execv("/proc/self/exe", argv);
    }
    fprintf(stderr, "cannot build %s\n", source);
}
