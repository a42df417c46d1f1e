#include "wire_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

/* Memory whose end is the end of what can be read. */
struct fence {
    char *base;
    size_t room;
};

static struct fence fence_of(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct fence f = {.room = (len / page + 1) * page};
    f.base = mmap(NULL, f.room + page, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(f.base != MAP_FAILED);
    assert_int_equal(mprotect(f.base + f.room, page, PROT_NONE), 0);
    return f;
}

static void fence_end(struct fence *f)
{
    (void)munmap(f->base, f->room + (size_t)sysconf(_SC_PAGESIZE));
}

static struct str place(const struct fence *f, struct str piece)
{
    struct str placed = {.ptr = f->base + f->room - piece.len, .len = piece.len};
    memcpy(f->base + f->room - piece.len, piece.ptr, piece.len);
    return placed;
}

static void feed(const struct fence *f, struct str input, size_t cut,
                 const struct wire_reader *reader, struct buf *said)
{
    reader->begin(reader->arg);
    while (input.len > 0) {
        size_t len = cut == WIRE_EVERY_BYTE ? 1 : input.len;
        if (cut > 0 && cut < input.len)
            len = cut;
        struct str piece = {.ptr = input.ptr, .len = len};
        reader->take(reader->arg, place(f, piece), said);
        input = (struct str){.ptr = input.ptr + len, .len = input.len - len};
        if (cut != WIRE_EVERY_BYTE)
            cut = 0;
    }
    reader->end(reader->arg, said);
    assert_int_equal(said->failed, STATUS_OK);
}

void wire_feed(struct str input, size_t cut, const struct wire_reader *reader,
               struct buf *said)
{
    struct fence f = fence_of(input.len);
    feed(&f, input, cut, reader, said);
    fence_end(&f);
}

static void check_cut(const char *name, size_t cut, const char *said,
                      const char *expected)
{
    if (strcmp(said, expected) == 0)
        return;
    char how[40];
    (void)snprintf(how, sizeof how, "cut at %zu", cut);
    fail_msg("%s, %s, says\n%s\nand not\n%s", name,
             cut == WIRE_WHOLE        ? "whole"
             : cut == WIRE_EVERY_BYTE ? "byte by byte"
                                      : how,
             said, expected);
}

void wire_check(const char *name, struct str input, const struct wire_reader *reader,
                const char *expected)
{
    struct fence f = fence_of(input.len);
    struct buf said;
    buf_init(&said, (size_t)1 << 24);
    for (size_t cut = 0; cut < input.len || cut == 0; cut++) {
        buf_clear(&said);
        feed(&f, input, cut, reader, &said);
        check_cut(name, cut, buf_cstr(&said), expected);
    }
    buf_clear(&said);
    feed(&f, input, WIRE_EVERY_BYTE, reader, &said);
    check_cut(name, WIRE_EVERY_BYTE, buf_cstr(&said), expected);
    buf_fini(&said);
    fence_end(&f);
}
