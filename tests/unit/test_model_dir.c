/* model_dir.c: folders, the hub's cache, fingerprints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "folder_fixture.h"
#include "base/file.h"
#include "engines/model_dir.h"
#include "text/digest.h"

#define CONFIG                                                                      \
    "{\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"hidden_size\": 128, " \
    "\"num_key_value_heads\": 2, \"head_dim\": 64, \"vocab_size\": 512}"

static char folder[FOLDER_FIXTURE_BYTES];
static struct arena arena;

static const char *at(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
    struct err e;
    assert_int_equal(file_replace(at(name), str_from(text), &e), STATUS_OK);
}

static void make_dir(const char *name)
{
    struct err e;
    assert_int_equal(file_make_dirs(at(name), &e), STATUS_OK);
}

static const char *sha256_of(const char *text)
{
    struct digest d;
    char hex[DIGEST_HEX_BYTES];
    assert_int_equal(digest_init(&d), STATUS_OK);
    digest_add(&d, text, strlen(text));
    digest_hex(&d, hex);
    return arena_strdup(&arena, hex);
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    folder_fixture_make(folder);
    folder_fixture_remove_at_exit(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void a_folder_is_itself(void **state)
{
    (void)state;
    make_dir("m");
    assert_string_equal(model_dir_find(at("m"), &arena), at("m"));
    assert_null(model_dir_find(NULL, &arena));
    assert_null(model_dir_find(at("no/such/folder"), &arena));
}

static void the_cache_of_the_hub(void **state)
{
    (void)state;
    make_dir("home/hub/models--org--name/refs");
    make_dir("home/hub/models--org--name/snapshots/abc");
    put("home/hub/models--org--name/refs/main", "abc\n");
    unsetenv("HF_HUB_CACHE");
    setenv("HF_HOME", at("home"), 1);
    const char *found = model_dir_find("org/name", &arena);
    assert_string_equal(found, at("home/hub/models--org--name/snapshots/abc"));
    assert_null(model_dir_find("org/other", &arena));
    assert_null(model_dir_find("name", &arena));
    setenv("HF_HUB_CACHE", at("elsewhere"), 1);
    assert_null(model_dir_find("org/name", &arena));
    unsetenv("HF_HUB_CACHE");
    unsetenv("HF_HOME");
}

static void fingerprints_as_the_worker_makes_them(void **state)
{
    (void)state;
    make_dir("[w]");
    assert_null(model_dir_fingerprint(at("[w]"), &arena));
    assert_null(model_dir_fingerprint(NULL, &arena));
    put("[w]/config.json", CONFIG);
    assert_string_equal(model_dir_fingerprint(at("[w]"), &arena), sha256_of(CONFIG));
    put("[w]/b.safetensors", "12345");
    put("[w]/a.safetensors", "1");
    assert_string_equal(model_dir_fingerprint(at("[w]"), &arena),
                        sha256_of(CONFIG "a.safetensors 1\nb.safetensors 5\n"));
    put("[w]/model.safetensors.index.json", "{}");
    assert_string_equal(model_dir_fingerprint(at("[w]"), &arena), sha256_of(CONFIG "{}"));
}

static void what_the_configuration_says(void **state)
{
    (void)state;
    make_dir("c");
    assert_int_equal(model_dir_vocabulary(NULL, &arena), 0);
    put("c/config.json", CONFIG);
    assert_int_equal(model_dir_vocabulary(at("c"), &arena), 512);
    put("c/config.json", "{\"text_config\": {\"num_hidden_layers\": 3, \"hidden_size\": "
                         "64, \"num_attention_heads\": 2, \"vocab_size\": 9}}");
    assert_int_equal(model_dir_vocabulary(at("c"), &arena), 9);
    put("c/config.json", "no JSON");
    assert_int_equal(model_dir_vocabulary(at("c"), &arena), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_itself),
        cmocka_unit_test(the_cache_of_the_hub),
        cmocka_unit_test(fingerprints_as_the_worker_makes_them),
        cmocka_unit_test(what_the_configuration_says),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
