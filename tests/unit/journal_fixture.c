#include "journal_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

void journal_fixture_init(struct journal_fixture *j)
{
    stats_fixture_init(&j->f);
    struct run_data *run = &j->f.run;
    run->fields.v[FIELD_run_id] = value_str("0123456789abcdef0123456789abcdef");
    run->fields.v[FIELD_engine] = value_str("vllm");
    run->fields.v[FIELD_serving_mode] = value_str("offline");
    run->fields.v[FIELD_label] = value_str("made \"up\" \xe3\x81\x82");
    run->fields.v[FIELD_metadata] = value_json("{\"a\":[1,2.5,null]}");
    run->tool = "inferbench 0";
    run->command_json = "[\"inferbench\",\"offline\"]";
    run->options_json = "{\"model\":\"tiny\"}";
    run->env_json = "{\"timestamp\":\"2025-11-25T18:08:07\",\"cpu\":{\"flags\":[\"a\"]},"
                    "\"client\":null}";
    run->plan_sha256 = "00ff";
    run->stamp = "20251125_180807";
    folder_fixture_make(j->dir);
    (void)snprintf(j->path, sizeof j->path, "%s/journal.jsonl", j->dir);
}

void journal_fixture_fini(struct journal_fixture *j)
{
    folder_fixture_remove(j->dir);
}

int journal_fixture_tear_down(void **state)
{
    mem_fail_at(0);
    journal_fixture_fini(*state);
    return 0;
}

static enum status write_repeat(struct journal *j, const struct repeat_data *r,
                                struct err *e)
{
    enum status s = journal_repeat(j, r, e);
    for (size_t i = 0; s == STATUS_OK && i < r->request_count; i++)
        s = journal_request(j, r, &r->requests[i], true, e);
    return s == STATUS_OK ? journal_repeat_end(j, r, e) : s;
}

enum status journal_fixture_write(struct journal_fixture *fx, struct err *e)
{
    struct journal j;
    const struct run_data *run = &fx->f.run;
    enum status s = journal_create(&j, fx->path, clock_now(), e);
    if (s == STATUS_OK)
        s = journal_run(&j, run, e);
    for (size_t i = 0; s == STATUS_OK && i < run->cell_count; i++)
        s = journal_cell(&j, i, &run->cells[i], e);
    for (size_t i = 0; s == STATUS_OK && i < run->repeat_count; i++)
        s = write_repeat(&j, &run->repeats[i], e);
    if (s == STATUS_OK)
        s = journal_run_end(&j, "done", true, e);
    journal_close(&j);
    return s;
}

void journal_fixture_read(const char *path, struct buf *out)
{
    struct err e;
    buf_init(out, 64 << 20);
    if (file_read(path, out, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

void journal_fixture_put(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, path, text, NULL), STATUS_OK);
    close(fd);
}

void journal_fixture_forget(struct buf *text, const char *name)
{
    char member[64];
    (void)snprintf(member, sizeof member, "\"%s\":", name);
    for (char *at = text->data; (at = strstr(at, member)) != NULL;)
        at[1] = '_';
}

void journal_fixture_has(const char *in, const char *text)
{
    if (strstr(in, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, in);
}
