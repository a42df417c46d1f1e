#include "http/lazycurl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "probe_fixture.h"

/* A transfer of a file, through every entry that the table holds. */
static void the_table_works(void **state)
{
    struct lazycurl curl = {0};
    char url[400], path[300];
    char *said = NULL;
    long code = -1;
    (void)state;
    if (!lazycurl_open(&curl))
        skip();
    const char *dir = probe_fixture_dir();
    probe_fixture_file(dir, "x", "", false);
    snprintf(path, sizeof path, "%s/x", dir);
    snprintf(url, sizeof url, "file://%s", path);
    CURL *handle = curl.init();
    assert_non_null(handle);
    struct curl_slist *list = curl.list_append(NULL, "a: b");
    assert_string_equal(list->data, "a: b");
    assert_int_equal(curl.set(handle, CURLOPT_URL, url), CURLE_OK);
    assert_int_equal(curl.perform(handle), CURLE_OK);
    assert_int_equal(curl.get(handle, CURLINFO_EFFECTIVE_URL, &said), CURLE_OK);
    assert_string_equal(said, url);
    assert_int_equal(curl.get(handle, CURLINFO_RESPONSE_CODE, &code), CURLE_OK);
    assert_int_equal(code, 0);
    curl.reset(handle); /* forgets the address */
    assert_int_equal(curl.perform(handle), CURLE_URL_MALFORMAT);
    curl.list_free(list);
    curl.cleanup(handle);
    unlink(path);
    rmdir(dir);
}

static void a_second_open_gives_the_same(void **state)
{
    struct lazycurl one = {0}, two = {0};
    (void)state;
    if (!lazycurl_open(&one))
        skip();
    assert_true(lazycurl_open(&two));
    assert_memory_equal(&one, &two, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_works),
        cmocka_unit_test(a_second_open_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
