#include "talk_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

void talk_page(struct talk *t, const char *request, int status, const char *body)
{
    t->server.pages = t->pages;
    t->pages[t->server.page_count++] = (struct http_fixture_page){request, status, body};
}

void talk_change(struct talk *t, const char *request, int status, const char *body)
{
    for (size_t i = 0; i < t->server.page_count; i++)
        if (strcmp(t->pages[i].request, request) == 0)
            t->pages[i] = (struct http_fixture_page){request, status, body};
}

int talk_make(void **state)
{
    struct talk *t = mem_alloc(1, sizeof *t);
    *state = t;
    t->server.answer = TALK_NOT_FOUND;
    arena_init(&t->arena, 1 << 22);
    t->options = (struct engine_target){
        .ready_timeout_s = 0.05, .dialect = "auto", .endpoint = "completions"};
    t->facts = (struct engine_facts){.hardware_type = "unknown", .vocab_size = 10000};
    return 0;
}

struct talk *talk_begin(void **state, const char *path)
{
    struct talk *t = *state;
    struct url u;
    http_fixture_start(&t->server);
    const char *address = arena_printf(&t->arena, "%s%s", t->server.url, path);
    assert_int_equal(url_parse(address, "--base-url", &t->arena, &u, &t->e), STATUS_OK);
    assert_int_equal(openai_server_open(&t->s, &u, &t->options, &t->arena, &t->e),
                     STATUS_OK);
    return t;
}

int talk_drop(void **state)
{
    struct talk *t = *state;
    openai_server_close(&t->s);
    http_fixture_stop(&t->server);
    arena_fini(&t->arena);
    mem_free(t);
    return 0;
}

enum status talk_meet(struct talk *t, const char *wanted)
{
    const char *name = NULL;
    int64_t longest = -1;
    enum status st = openai_meet_wait(&t->s, NULL, NULL, wanted, &t->e);
    if (st == STATUS_OK)
        st = openai_meet_model(&t->s, wanted, &name, &longest, &t->e);
    if (st == STATUS_OK && wanted == NULL) {
        assert_string_equal(name, "tiny");
        assert_int_equal(longest, 2048);
    }
    if (st == STATUS_OK && wanted != NULL)
        assert_string_equal(name, wanted);
    return st;
}
