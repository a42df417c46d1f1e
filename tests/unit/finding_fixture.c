#include "finding_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "store/findings.h"

#define TEXTS      8
#define TEXT_BYTES 16384

const struct findings *finding_fixture_read(const char *json_list)
{
    static struct arena arena;
    static bool is_begun;
    if (!is_begun)
        arena_init(&arena, 1 << 24);
    is_begun = true;
    const struct findings *codes = findings_read_codes(json_list, &arena);
    assert_non_null(codes);
    return codes;
}

struct value finding_fixture_value(const char *json_list)
{
    return value_findings(finding_fixture_read(json_list));
}

static const char *text_of(const struct findings *of,
                           void (*write)(struct jsonw *w, const char *key,
                                         const struct findings *of))
{
    static char texts[TEXTS][TEXT_BYTES];
    static size_t used;
    char *text = texts[used++ % TEXTS];
    struct buf out;
    struct jsonw w;
    buf_init(&out, TEXT_BYTES - 1);
    jsonw_init(&w, &out, 0);
    write(&w, NULL, of);
    (void)snprintf(text, TEXT_BYTES, "%s", buf_cstr(&out));
    buf_fini(&out);
    return text;
}

const char *finding_fixture_codes(const struct findings *of)
{
    return text_of(of, findings_write_codes);
}

const char *finding_fixture_checks(const struct findings *of)
{
    return text_of(of, findings_write_checks);
}

const char *finding_fixture_of(const struct row *r, enum field_id id)
{
    const struct findings *of = field_findings(r, id);
    return id == FIELD_checks ? finding_fixture_checks(of) : finding_fixture_codes(of);
}
