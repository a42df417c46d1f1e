#include "base/opt.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/opt_value.h"

#include "alloc_fixture.h"

static const struct opt table[] = {
    {.name = "model",
     .short_name = 'm',
     .type = OPT_STRING,
     .fallback = "Qwen/Qwen3-0.6B",
     .value_name = "NAME",
     .group = "Model",
     .help = "model on the hub, or a folder"},
    {.name = "dtype",
     .type = OPT_CHOICE,
     .choices = "auto|half",
     .group = "Model",
     .help = "number format"},
    {.name = "batch-sizes",
     .type = OPT_INT_LIST,
     .min = 1,
     .max = 1e6,
     .fallback = "1 4",
     .group = "Load",
     .help = "prompts per batch; each size is one cell of the grid, and all of them run "
             "with every scenario that was chosen"},
    {.name = "request-rate",
     .type = OPT_DOUBLE,
     .max = INFINITY,
     .group = "Load",
     .help = "mean arrival rate"},
    {.name = "plots",
     .type = OPT_STRING_LIST,
     .choices = "all|tokens_per_sec|prefix_caching",
     .group = "Load",
     .help = "which plots"},
    {.name = "cache", .type = OPT_FLAG, .fallback = "true", .group = "Load", .help = "c"},
    {.name = "launch", .type = OPT_MAYBE, .group = "Load", .help = ".dotted \\ help"},
};

enum { COUNT = sizeof table / sizeof table[0] };

static void help_is_exact(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    assert_int_equal(opt_help_text(table, COUNT, &b), STATUS_OK);
    assert_string_equal(
        buf_cstr(&b),
        "Model\n"
        "  -m, --model NAME          model on the hub, or a folder (default\n"
        "                            Qwen/Qwen3-0.6B)\n"
        "  --dtype auto|half         number format\n"
        "\n"
        "Load\n"
        "  --batch-sizes N...        prompts per batch; each size is one cell of the\n"
        "                            grid, and all of them run with every scenario that\n"
        "                            was chosen (default 1 4; 1 to 1000000)\n"
        "  --request-rate X          mean arrival rate\n"
        "  --plots NAME...           which plots: all, tokens_per_sec, prefix_caching\n"
        "  --[no-]cache              c (on by default)\n"
        "  --launch[=TEXT]           .dotted \\ help\n");
    buf_fini(&b);
}

static void help_fits_80_columns(void **state)
{
    (void)state;
    static const struct opt wide[] = {
        {.name = "a-very-long-option-name-indeed",
         .type = OPT_STRING,
         .help =
             "word word word word word word word word word word word word word word"}};
    struct buf b;
    buf_init(&b, 10000);
    assert_int_equal(opt_help_text(wide, 1, &b), STATUS_OK);
    assert_int_equal(strncmp(buf_cstr(&b), "Options\n", 8), 0);
    for (const char *line = buf_cstr(&b); *line != '\0';) {
        size_t len = strcspn(line, "\n");
        assert_true(len <= 80);
        assert_true(len == 0 || line[len - 1] != ' ');
        line += len + 1;
    }
    buf_fini(&b);
}

static void man_page(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    assert_int_equal(opt_help_man(table, COUNT, &b), STATUS_OK);
    const char *text = buf_cstr(&b);
    assert_int_equal(strncmp(text, ".SH OPTIONS\n.SS Model\n.TP\n", 26), 0);
    assert_non_null(strstr(text, "\\fB\\-m\\fR, \\fB\\-\\-model\\fR \\fINAME\\fR\n"
                                 "model on the hub, or a folder (default "
                                 "Qwen/Qwen3\\-0.6B).\n"));
    assert_non_null(strstr(text, "\\fB\\-\\-launch\\fR\\fI[=TEXT]\\fR\n"
                                 "\\&.dotted \\e help.\n"));
    assert_non_null(strstr(text, "\\fB\\-\\-[no\\-]cache\\fR\nc (on by default).\n"));
    buf_fini(&b);
}

static void ranges(void **state)
{
    (void)state;
    static const struct {
        double min, max;
        const char *text;
    } rows[] = {{0, 0, ""},
                {2, 1000, "2 to 1000"},
                {0, INFINITY, "0 or more"},
                {1, 1e12, "1 or more"},
                {-1, 0.5, "-1 to 0.5"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct opt o = {
            .name = "x", .type = OPT_DOUBLE, .min = rows[i].min, .max = rows[i].max};
        struct buf b;
        buf_init(&b, 100);
        assert_int_equal(opt_value_range(&o, &b), STATUS_OK);
        assert_string_equal(buf_cstr(&b), rows[i].text);
        buf_fini(&b);
    }
}

static void no_memory_is_clean(void **state)
{
    (void)state;
    struct alloc_fixture alloc = {.least = 10};
    while (alloc_fixture_next(&alloc)) {
        struct buf b;
        buf_init(&b, 10000);
        alloc_fixture_arm(&alloc);
        enum status status = opt_help_text(table, COUNT, &b);
        if (status == STATUS_OK)
            status = opt_help_man(table, COUNT, &b);
        alloc_fixture_judge(&alloc, status);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_is_exact),      cmocka_unit_test(help_fits_80_columns),
        cmocka_unit_test(man_page),           cmocka_unit_test(ranges),
        cmocka_unit_test(no_memory_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
