/* A journal of any bytes: refused with file:line for its first line alone, or read, and
 * then rows, summary and table are made of it. */
#include <string.h>

#include "report/table.h"
#include "store/journal_read.h"
#include "store/results.h"

#include "fuzz_target.h"

enum { CAP_BYTES = 1 << 26 };

static void build(const struct run_data *run, struct arena *a)
{
    struct results results = {0};
    struct buf out;
    struct err e = {0};
    enum status status = results_build(run, "folder", a, &results, &e);
    TARGET_CHECK(status == STATUS_OK || e.code == status);
    if (status != STATUS_OK)
        return;
    buf_init(&out, CAP_BYTES);
    status = table_run(
        &(struct table_input){run, results.rows, results.cells, results.cell_count}, &out,
        &e);
    TARGET_CHECK(status == STATUS_OK || e.code == status);
    buf_fini(&out);
}

/* What was left out is counted, and what is there can be trusted by those who index. */
static void check_read(const struct run_data *run, const struct journal_note *note)
{
    size_t damaged = 0;
    TARGET_CHECK((note->lines_damaged > 0) == (note->first_damaged > 0));
    for (size_t i = 0; i < run->repeat_count; i++) {
        const struct repeat_data *r = &run->repeats[i];
        TARGET_CHECK(r->cell >= 0 && (size_t)r->cell < run->cell_count);
        damaged += r->error != NULL &&
                   strncmp(r->error, "journal line ", strlen("journal line ")) == 0;
    }
    TARGET_CHECK(damaged >= note->repeats_damaged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct run_data run;
    struct journal_note note;
    struct err e = {0};
    char path[TARGET_PATH_BYTES];
    arena_init(&a, CAP_BYTES);
    int fd = target_file(data, size, path);
    enum status status = journal_read(path, &a, &run, &note, &e);
    TARGET_CHECK(status == STATUS_OK || (e.code == status && e.where[0] != '\0'));
    if (status == STATUS_OK) {
        check_read(&run, &note);
        build(&run, &a);
    }
    target_file_end(fd);
    arena_fini(&a);
    return 0;
}
