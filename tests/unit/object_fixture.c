#include "object_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct jsonr_object object;

struct jsonr_object *object_fixture(const char *text)
{
    struct jsonr r;
    struct err e;
    jsonr_init(&r, str_from(text), "text", &e);
    jsonr_object_read(&r, "an object", &object);
    if (jsonr_end(&r) != STATUS_OK)
        fail_msg("%s: %s", text, e.what);
    return &object;
}

void object_fixture_fini(void)
{
    jsonr_object_fini(&object);
}
