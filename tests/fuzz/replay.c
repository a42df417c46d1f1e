/* Replays the files of one corpus folder through a fuzz target: each whole, those that no
 * fuzzer found also cut at every length (long ones at every 97th), and with single bytes
 * changed. Needs no fuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"

#include "fuzz_target.h"

enum { MAX_FILE_BYTES = 1 << 20, SHORT_BYTES = 600, LONG_STEP = 97, CHANGES = 300 };

/* The target gets a block of the exact size, so that AddressSanitizer sees any
 * overrun. */
static void feed(const char *data, size_t size)
{
    uint8_t *exact = mem_alloc(size, 1);
    TARGET_CHECK(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    mem_free(exact);
}

/* Of the fuzzer, which names an input by its SHA-1 and has tried its neighbours. */
static bool is_found(const char *name)
{
    return strlen(name) == 40 && strspn(name, "0123456789abcdef") == 40;
}

static void replay(const char *name, const struct buf *content)
{
    const char *data = buf_cstr(content);
    size_t step = content->len <= SHORT_BYTES ? 1 : LONG_STEP;
    feed(data, content->len);
    if (is_found(name))
        return;
    for (size_t len = 0; len < content->len; len += step)
        feed(data, len);
    char *changed = mem_alloc(content->len, 1);
    TARGET_CHECK(changed != NULL);
    struct rng rng;
    rng_init(&rng, 0, name);
    for (int i = 0; i < CHANGES && content->len > 0; i++) {
        memcpy(changed, data, content->len);
        for (uint64_t k = rng_below(&rng, 3) + 1; k > 0; k--)
            changed[rng_below(&rng, content->len)] = (char)rng_below(&rng, 256);
        feed(changed, content->len);
    }
    mem_free(changed);
}

static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
        char path[4096];
        struct buf content;
        struct err e;
        if (d->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
        buf_init(&content, MAX_FILE_BYTES);
        enum status status = file_read(path, &content, &e);
        TARGET_CHECK(status == STATUS_OK);
        replay(d->d_name, &content);
        buf_fini(&content);
        count++;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    int count = replay_folder(argv[1]);
    (void)printf("%d inputs of %s\n", count, argv[1]);
    return count > 0 ? 0 : 1; /* a test without inputs tests nothing */
}
