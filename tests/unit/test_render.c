#include "report/render.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/mem.h"

struct bench {
    struct arena arena;
    struct document d;
    struct buf out;
};

static const struct document_column columns[] = {
    {"cell", NULL, NULL, DOCUMENT_TEXT, 8},
    {"tok/s", "tokens/s", NULL, DOCUMENT_SPREAD, -13},
    {"TTFT", NULL, "ms", DOCUMENT_NUMBER, -6},
    {"hits", NULL, NULL, DOCUMENT_PERCENT, -5},
    {"x", "ratio", NULL, DOCUMENT_RATIO, -6},
    {"95 %", NULL, NULL, DOCUMENT_INTERVAL, 0},
};

static int set_up(void **state)
{
    static struct bench b;
    arena_init(&b.arena, 1 << 20);
    document_init(&b.d, &b.arena);
    buf_init(&b.out, 1 << 16);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    document_fini(&b->d);
    arena_fini(&b->arena);
    buf_fini(&b->out);
    return 0;
}

static void put_table(struct document *d)
{
    const struct match_ratio ratio = {.ratio = 0.71, .low = 0.7, .high = 0.725};
    const struct spread tokens = {.mean = 412.25, .ci95_low = 410, .ci95_high = 414.5};
    struct document_table *t = document_table(d, columns, 6);
    struct document_cell *cells = document_row(d, t, "short");
    cells[0] = document_of_text("a|b \"c\"");
    cells[1] = document_of_spread(&tokens);
    cells[2] = document_of_value(23.5);
    cells[3] = document_of_value(0.31);
    cells[4] = cells[5] = document_of_ratio(&ratio);
    cells = document_row(d, t, "short");
    cells[0] = document_of_text("b");
    for (size_t i = 1; i < 5; i++)
        cells[i] = document_of_value((double)NAN);
    cells[5].text = "*";
    document_note(d, t, "the baseline is INVALID");
    document_row(d, t, "long")[0] = document_of_text("c");
}

static void fill(struct document *d)
{
    buf_text(&d->line, "a / b:");
    for (int i = 0; i < 3; i++) {
        buf_char(&d->line, ' ');
        document_keep(d, "0.71x tokens/s (0.69..0.73),");
    }
    document_end(d, DOCUMENT_CLAIM);
    document_end(d, DOCUMENT_CLAIM); /* nothing is left to end */
    document_gap(d);
    document_add(d, DOCUMENT_PARAGRAPH, "%s", "Ratios are of *matched* cells.");
    document_heading(d, "Nothing stands here");
    document_heading(d, "Cells");
    put_table(d);
    document_add(d, DOCUMENT_ITEM, "%zu of %zu", (size_t)1, (size_t)2);
    document_add(d, DOCUMENT_ITEM, "more");
    document_plot(d, "Output throughput", "tokens.png");
    document_gap(d);
    document_add(d, DOCUMENT_SUBHEADING, "g5: 2 cells");
}

static const char *rendered(struct bench *b, const char *name)
{
    fill(&b->d);
    for (size_t i = 0; render_at(i) != NULL; i++)
        if (strcmp(render_at(i)->name, name) == 0)
            assert_int_equal(render_document(&b->d, render_at(i), &b->out), STATUS_OK);
    return buf_cstr(&b->out);
}

static void test_text(void **state)
{
    assert_string_equal(
        rendered(*state, "text"),
        "a / b: 0.71x tokens/s (0.69..0.73), 0.71x tokens/s (0.69..0.73),\n"
        "  0.71x tokens/s (0.69..0.73),\n"
        "\n"
        "Ratios are of *matched* cells.\n"
        "\n"
        "Cells\n"
        "-----\n"
        "cell             tok/s   TTFT  hits      x  95 %\n"
        "short\n"
        "a|b \"c\"   412.2 +-0.5%  23.50   31%  0.71x  0.700..0.725\n"
        "b                    -      -     -      -  *\n"
        "      the baseline is INVALID\n"
        "long\n"
        "c                                         \n"
        "  1 of 2\n"
        "  more\n"
        "\n"
        "g5: 2 cells\n");
}

static void test_markdown(void **state)
{
    assert_string_equal(
        rendered(*state, "markdown"),
        "- a / b: 0.71x\u00a0tokens/s\u00a0(0.69..0.73), "
        "0.71x\u00a0tokens/s\u00a0(0.69..0.73), "
        "0.71x\u00a0tokens/s\u00a0(0.69..0.73),\n"
        "\n"
        "Ratios are of \\*matched\\* cells.\n"
        "\n"
        "## Cells\n"
        "\n"
        "| | cell | tokens/s | TTFT, ms | hits | ratio | 95 % | |\n"
        "|---|---|---:|---:|---:|---:|---:|---|\n"
        "| short | a\\|b \"c\" | 412.2 +-0.5% | 23.50 | 31% | 0.71x | 0.700..0.725 | |\n"
        "| short | b | - | - | - | - | \\* | the baseline is INVALID |\n"
        "| long | c | | | | | | |\n"
        "\n"
        "- 1 of 2\n"
        "- more\n"
        "\n"
        "![Output throughput](<tokens.png>)\n"
        "\n"
        "### g5: 2 cells\n");
}

static void test_csv(void **state)
{
    assert_string_equal(
        rendered(*state, "csv"),
        "\"section\",\"group\",\"cell\",\"tokens/s\",\"tokens/s low\",\"tokens/s high\","
        "\"TTFT (ms)\",\"hits\",\"ratio\",\"95 % low\",\"95 % high\",\"note\"\n"
        "\"Cells\",\"short\",\"a|b \"\"c\"\"\",412.25,410.0,414.5,23.5,0.31,0.71,0.7,"
        "0.725,\"\"\n"
        "\"Cells\",\"short\",\"b\",,,,,,,,,\"the baseline is INVALID\"\n"
        "\"Cells\",\"long\",\"c\",,,,,,,,,\"\"\n");
}

/* A second table of the same columns goes on; one of others has a head of its own. */
static void test_tables_in_csv(void **state)
{
    struct bench *b = *state;
    static const struct document_column one[] = {{"n", NULL, NULL, DOCUMENT_NUMBER, -3}};
    for (int i = 0; i < 3; i++) {
        struct document_table *t = document_table(&b->d, i < 2 ? one : columns,
                                                  i < 2 ? 1 : 6);
        document_row(&b->d, t, NULL)[0] = document_of_value(i);
    }
    render_csv(&b->d, &b->out);
    const char *want = "\"section\",\"group\",\"n\",\"note\"\n"
                       "\"\",\"\",0.0,\"\"\n"
                       "\"\",\"\",1.0,\"\"\n"
                       "\n"
                       "\"section\",\"group\",\"cell\",";
    assert_int_equal(strncmp(buf_cstr(&b->out), want, strlen(want)), 0);
}

/* Whatever the form, nothing that steers a terminal, and one line a text. */
static void test_control_characters(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; render_at(i) != NULL; i++) {
        struct document_table *t = document_table(&b->d, columns, 6);
        document_row(&b->d, t, "g\x1b[2J")[0] = document_of_text("\xc2\x9b"
                                                                 "31m\n| x |");
        document_note(&b->d, t,
                      "\xe2\x80\xae"
                      "abc");
        document_add(&b->d, DOCUMENT_PARAGRAPH, "%s", "one\r\n# two");
        buf_clear(&b->out);
        assert_int_equal(render_document(&b->d, render_at(i), &b->out), STATUS_OK);
        const char *text = buf_cstr(&b->out);
        for (const char *bad = "\x1b\r\x9b"; *bad != '\0'; bad++)
            assert_null(strchr(text, *bad));
        assert_null(strstr(text, "\n# two"));
        assert_null(strstr(text, "\n| x |"));
        assert_null(strstr(text, "\xe2\x80\xae"));
        assert_non_null(strstr(text, "u202eabc"));
    }
}

/* A spreadsheet runs no text. */
static void test_formulas(void **state)
{
    struct bench *b = *state;
    struct document_table *t = document_table(&b->d, columns, 1);
    static const char *const texts[] = {"=1+1", "@x", "+a", "-2+cmd|' /C calc'!A0",
                                        "-5 %", "-"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        document_row(&b->d, t, NULL)[0] = document_of_text(texts[i]);
    render_csv(&b->d, &b->out);
    static const char want[] = "\"\",\"\",\"'=1+1\",\"\"\n\"\",\"\",\"'@x\",\"\"\n"
                               "\"\",\"\",\"'+a\",\"\"\n"
                               "\"\",\"\",\"'-2+cmd|' /C calc'!A0\",\"\"\n"
                               "\"\",\"\",\"-5 %\",\"\"\n\"\",\"\",\"-\",\"\"\n";
    assert_string_equal(strchr(buf_cstr(&b->out), '\n') + 1, want);
}

/* What a format would take for its own signs, and an interval of which one end is
 * open. */
static void test_odd_texts(void **state)
{
    struct bench *b = *state;
    static const struct document_column odd[] = {
        {"a", "the \"a\"", "5\"", DOCUMENT_NUMBER, -6},
        {"95 %", NULL, NULL, DOCUMENT_INTERVAL, 0}};
    const struct match_ratio open = {.ratio = 1, .low = 0.9, .high = NAN};
    struct document_table *t = document_table(&b->d, odd, 2);
    struct document_cell *cells = document_row(&b->d, t, "g");
    cells[0] = document_of_value(1);
    cells[1] = document_of_ratio(&open);
    document_note(&b->d, t, "two\nlines");
    render_csv(&b->d, &b->out);
    assert_string_equal(buf_cstr(&b->out),
                        "\"section\",\"group\",\"the \"\"a\"\" (5\"\")\",\"95 % low\","
                        "\"95 % high\",\"note\"\n"
                        "\"\",\"g\",1.0,0.9,,\"two\nlines\"\n");
    buf_clear(&b->out);
    render_markdown(&b->d, &b->out);
    assert_string_equal(buf_cstr(&b->out), "| | the \"a\", 5\" | 95 % | |\n"
                                           "|---|---:|---:|---|\n"
                                           "| g | 1.000 | | two lines |\n");
}

/* Whichever allocation fails: an error and nothing, or the whole text. */
static void no_memory(void **state, const char *name)
{
    struct bench *b = *state;
    size_t len = strlen(rendered(b, name));
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        tear_down(state);
        set_up(state);
        alloc_fixture_arm(&alloc);
        fill(&b->d);
        enum status s = render_document(&b->d, render_find(name), &b->out);
        alloc_fixture_judge(&alloc, s);
        assert_int_equal(b->out.len, s == STATUS_OK ? len : 0);
    }
}

static void test_no_memory(void **state)
{
    no_memory(state, "markdown");
}

static void test_no_memory_for_page(void **state)
{
    no_memory(state, "html");
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s", part);
}

/* The blocks as HTML, each text written so that it means what it says. */
static void test_html(void **state)
{
    struct bench *b = *state;
    b->d.title = "<b>&\"'";
    b->d.lead = "</p>";
    const char *text = rendered(b, "html");
    assert_int_equal(strncmp(text, "<!DOCTYPE html>", 15), 0);
    assert_has(text, "<title>&lt;b&gt;&amp;&quot;&#39;</title>");
    assert_has(text, "<p class=\"lead\">&lt;/p&gt;</p>");
    assert_has(text, "<li><b>a / b</b>: 0.71x tokens/s (0.69..0.73), 0.71x");
    assert_has(text, "<p>Ratios are of *matched* cells.</p>");
    assert_has(text, "<h2 id=\"s2\">Cells</h2>");
    assert_has(text, "TTFT <span class=\"unit\">ms</span></th>");
    assert_has(text, "<th scope=\"rowgroup\" colspan=\"7\">short</th>");
    assert_has(text, "<th scope=\"row\">a|b &quot;c&quot;</th>"
                     "<td class=\"n\">412.2 +-0.5%</td>");
    assert_has(text, "<td class=\"note\">the baseline is INVALID</td>");
    assert_has(text, "<li>1 of 2</li>\n<li>more</li>\n</ul>");
    assert_has(text, "<h3>g5: 2 cells</h3>");
    assert_null(strstr(text, "Nothing stands here"));
    assert_null(strstr(text, "tokens.png"));
}

/* What the page alone shows is in no other form, and takes no heading and no gap. */
static void test_blocks_of_page(void **state)
{
    struct bench *b = *state;
    static const struct document_column one[] = {{"</th>", NULL, NULL, DOCUMENT_TEXT, 0}};
    struct plot_point point = {.x = 1, .mean = 2, .low = NAN, .high = NAN};
    struct plot_series series = {.name = "</script>", .points = &point, .count = 1};
    struct plot_panel panel = {.title = "p", .series = &series, .series_count = 1};
    const struct plot plot = {.stem = "s",
                              .title = "<i>",
                              .y_label = "y",
                              .kind = PLOT_LINES,
                              .panels = &panel,
                              .panel_count = 1};
    document_add(&b->d, DOCUMENT_PARAGRAPH, "a");
    document_gap(&b->d);
    document_heading(&b->d, "Waits");
    document_chart(&b->d, &plot);
    document_row(&b->d, document_page_table(&b->d, "<Beside>", one, 1),
                 NULL)[0] = document_of_text("<td>");
    document_add(&b->d, DOCUMENT_PARAGRAPH, "b");
    render_text(&b->d, &b->out);
    assert_string_equal(buf_cstr(&b->out), "a\n\n\nWaits\n-----\nb\n");
    buf_clear(&b->out);
    render_markdown(&b->d, &b->out);
    assert_string_equal(buf_cstr(&b->out), "a\n\n## Waits\n\nb\n");
    buf_clear(&b->out);
    render_csv(&b->d, &b->out);
    assert_string_equal(buf_cstr(&b->out), "");
    buf_clear(&b->out);
    assert_int_equal(render_document(&b->d, render_find("html"), &b->out), STATUS_OK);
    const char *text = buf_cstr(&b->out);
    assert_has(text, "<figcaption>&lt;i&gt;</figcaption>");
    assert_has(text, "<h2 id=\"s3\">&lt;Beside&gt;</h2>");
    assert_has(text, "<th scope=\"row\">&lt;td&gt;</th>");
    assert_has(text, "\"name\":\"\\u003c/script>\"");
    assert_has(text, "\"points\":[[1,2,null,null]]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_markdown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_csv, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_html, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_blocks_of_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory_for_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tables_in_csv, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_control_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_formulas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_odd_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
