#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/clock.h"

/* Every test works in a folder of its own, which is the current one. */
static char folder[64];

static int enter_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/inferbench-test-XXXXXX");
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
        char name[512];
        (void)snprintf(name, sizeof name, "%s/%s", path, d->d_name);
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        if (d->d_type == DT_DIR)
            remove_tree(name);
        else
            (void)unlink(name);
    }
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(path);
}

static int leave_folder(void **state)
{
    (void)state;
    remove_tree(folder);
    return chdir("/") != 0;
}

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        (void)closedir(dir);
    return count - 2;
}

static void check_content(const char *path, const char *expected)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    struct err e;
    assert_int_equal(file_read(path, &b, &e), STATUS_OK);
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
}

static void folders_are_made(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(file_make_dirs("a/b//c", &e), STATUS_OK);
    assert_true(file_is_dir("a/b/c"));
    assert_int_equal(file_make_dirs("a/b/c/", &e), STATUS_OK);
    assert_int_equal(file_make_dirs("/tmp", &e), STATUS_OK);
    assert_int_equal(file_make_dirs("/", &e), STATUS_OK);
    assert_int_equal(file_replace("a/file", str_from("x"), &e), STATUS_OK);
    assert_int_equal(file_make_dirs("a/file", &e), STATUS_IO);
    assert_string_equal(e.where, "a/file");
    assert_string_equal(e.what, "exists and is not a folder");
    assert_int_equal(file_make_dirs("a/file/d", &e), STATUS_IO);
    assert_int_equal(file_make_dirs("/proc/none/here", &e), STATUS_IO);
    assert_string_equal(e.where, "/proc/none");
    assert_true(strlen(e.hint) > 0);
}

/* Something that writes into a pipe of that name after a while. */
static pid_t writer(const char *path, int delay_ms, const char *text, bool is_open_ended)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    (void)poll(NULL, 0, delay_ms);
    int fd = open(path, O_WRONLY);
    ssize_t n = write(fd, text, strlen(text));
    while (is_open_ended && n > 0)
        (void)poll(NULL, 0, 1000);
    _exit(0);
}

static void a_pipe_is_read_only_where_it_may_be_one(void **state)
{
    (void)state;
    struct err e;
    struct buf b;
    int fd;
    struct file_draft d;
    buf_init(&b, 100);
    assert_int_equal(mkfifo("p", 0600), 0);
    assert_int_equal(file_read("p", &b, &e), STATUS_IO);
    assert_string_equal(e.what, "is a pipe or device, not a file");
    assert_int_equal(file_open("/dev/null", &fd, &e), STATUS_IO);
    assert_int_equal(file_draft_open(&d, "p", &e), STATUS_IO);
    assert_string_equal(e.what, "is a pipe or device, not a file");
    pid_t pid = writer("p", 50, "key", false);
    assert_int_equal(file_read_any("p", &b, &e), STATUS_OK);
    assert_string_equal(buf_cstr(&b), "key");
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    buf_clear(&b);
    assert_int_equal(file_read_any("/dev/null", &b, &e), STATUS_OK);
    assert_int_equal(file_read_any("/dev/zero", &b, &e), STATUS_TOO_BIG);
    buf_clear(&b);
    assert_int_equal(file_read_any(".", &b, &e), STATUS_IO);
    buf_fini(&b);
}

static void a_pipe_that_does_not_end_is_given_up(void **state)
{
    (void)state;
    struct err e;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(mkfifo("p", 0600), 0);
    pid_t pid = writer("p", 0, "key", true);
    struct instant before = clock_now();
    assert_int_equal(file_read_any("p", &b, &e), STATUS_TIMEOUT);
    double took_s = clock_to_s(clock_since(before));
    assert_true(took_s > 4 && took_s < 5.9);
    assert_string_equal(e.what, "did not end within 5 s: it is no file");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    buf_fini(&b);
}

static void reading(void **state)
{
    (void)state;
    struct err e;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(file_read("none", &b, &e), STATUS_NOT_FOUND);
    assert_string_equal(e.where, "none");
    assert_int_equal(file_read(".", &b, &e), STATUS_IO);
    assert_string_equal(e.what, "is a folder, not a file");
    char text[102];
    memset(text, 'x', sizeof text);
    assert_int_equal(file_replace("f", (struct str){text, 100}, &e), STATUS_OK);
    assert_int_equal(file_read("f", &b, &e), STATUS_OK);
    assert_int_equal(b.len, 100);
    buf_clear(&b);
    assert_int_equal(file_replace("f", (struct str){text, 101}, &e), STATUS_OK);
    assert_int_equal(file_read("f", &b, &e), STATUS_TOO_BIG);
    assert_string_equal(e.what, "is larger than 100 bytes");
    assert_int_equal(truncate("f", (off_t)1 << 40), 0);
    assert_int_equal(file_read("f", &b, &e), STATUS_TOO_BIG);
    struct buf large;
    buf_init(&large, (size_t)1 << 41);
    assert_int_equal(file_read("f", &large, &e),
                     STATUS_BAD_INPUT); /* not a byte is kept */
    assert_null(large.data);
    buf_fini(&large);
    buf_fini(&b);
}

static void replacing(void **state)
{
    (void)state;
    struct err e;
    mode_t old_mask = umask(027);
    assert_int_equal(file_replace("f", str_from("one"), &e), STATUS_OK);
    (void)umask(old_mask);
    struct stat st;
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    check_content("f", "one");
    assert_int_equal(file_replace("f", str_from("two"), &e), STATUS_OK);
    check_content("f", "two");
    assert_int_equal(file_replace("f", str_from(""), &e), STATUS_OK);
    check_content("f", "");
    assert_int_equal(entries("."), 1);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/g", folder);
    assert_int_equal(file_replace(path, str_from("three"), &e), STATUS_OK);
    check_content("g", "three");
}

static void a_temp_file_left_by_a_crash_is_no_hindrance(void **state)
{
    (void)state;
    struct err e;
    char name[64];
    (void)snprintf(name, sizeof name, ".f.%ld-0", (long)getpid());
    assert_int_equal(file_replace(name, str_from("left"), &e), STATUS_OK);
    assert_int_equal(file_replace("f", str_from("new"), &e), STATUS_OK);
    check_content("f", "new");
    check_content(name, "left");
}

static void failing_leaves_the_old_file(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(file_replace("f", str_from("old"), &e), STATUS_OK);
    assert_int_equal(file_replace("none/f", str_from("x"), &e), STATUS_IO);
    assert_string_equal(e.where, "none/f");
    assert_true(strlen(e.hint) > 0);
    assert_int_equal(mkdir("d", 0777), 0);
    assert_int_equal(file_replace("d", str_from("x"), &e), STATUS_IO);

    char text[5000];
    memset(text, 'x', sizeof text);
    struct rlimit whole, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
    small = whole;
    small.rlim_cur = 4096;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum status status = file_replace("f", (struct str){text, sizeof text}, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
    assert_int_equal(status, STATUS_IO);
    assert_string_equal(e.what, "cannot write: File too large");
    check_content("f", "old");
    assert_int_equal(entries("."), 2);
}

static void drafts(void **state)
{
    (void)state;
    struct err e;
    struct file_draft d;
    assert_int_equal(file_replace("f", str_from("old"), &e), STATUS_OK);
    assert_int_equal(file_draft_open(&d, "f", &e), STATUS_OK);
    assert_int_equal(file_write_all(d.fd, "f", str_from("new "), &e), STATUS_OK);
    assert_int_equal(file_write_all(d.fd, "f", str_from("text"), &e), STATUS_OK);
    check_content("f", "old");
    assert_int_equal(file_draft_commit(&d, &e), STATUS_OK);
    check_content("f", "new text");
    assert_int_equal(file_draft_open(&d, "f", &e), STATUS_OK);
    assert_int_equal(file_write_all(d.fd, "f", str_from("gone"), &e), STATUS_OK);
    file_draft_drop(&d);
    check_content("f", "new text");
    assert_int_equal(mkdir("d", 0777), 0);
    assert_int_equal(file_draft_open(&d, "d", &e), STATUS_OK);
    assert_int_equal(file_draft_commit(&d, &e), STATUS_IO); /* a folder is in its place */
    assert_int_equal(file_draft_open(&d, "none/f", &e), STATUS_IO);
    assert_int_equal(entries("."), 2);
}

static void a_full_disk_is_named(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    struct err e;
    enum status status = file_write_all(fd, "journal", str_from("x"), &e);
    (void)close(fd);
    assert_int_equal(status, STATUS_NO_SPACE);
    assert_string_equal(e.where, "journal");
    assert_true(strlen(e.hint) > 0);
    assert_int_equal(file_write_all(-1, "journal", str_from("x"), &e), STATUS_IO);
    assert_int_equal(file_write_all(-1, "journal", str_from(""), &e), STATUS_OK);
}

static void no_memory_is_clean(void **state)
{
    (void)state;
    struct alloc_fixture alloc = {.least = 4};
    while (alloc_fixture_next(&alloc)) {
        struct err e = {0};
        struct buf b;
        buf_init(&b, 1000);
        alloc_fixture_arm(&alloc);
        enum status status = file_make_dirs("a/b", &e);
        if (status == STATUS_OK)
            status = file_replace("a/b/f", str_from("text"), &e);
        if (status == STATUS_OK)
            status = file_read("a/b/f", &b, &e);
        alloc_fixture_judge(&alloc, status);
        buf_fini(&b);
        if (status != STATUS_OK)
            assert_int_equal(e.code, STATUS_NO_MEMORY);
        else
            assert_int_equal(entries("a/b"), 1);
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(file_base_name("a/b.txt"), "b.txt");
    assert_string_equal(file_base_name("b.txt"), "b.txt");
    assert_string_equal(file_base_name("a/"), "");
    assert_false(file_exists("none"));
    assert_true(file_exists("."));
    assert_true(file_is_dir("."));
    assert_false(file_is_dir("/dev/null"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_pipe_is_read_only_where_it_may_be_one),
        CASE(a_pipe_that_does_not_end_is_given_up),
        CASE(folders_are_made),
        CASE(reading),
        CASE(replacing),
        CASE(a_temp_file_left_by_a_crash_is_no_hindrance),
        CASE(failing_leaves_the_old_file),
        CASE(drafts),
        CASE(a_full_disk_is_named),
        CASE(no_memory_is_clean),
        CASE(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
