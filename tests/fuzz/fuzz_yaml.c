/* YAML: the tree itself, then the same bytes as a config file, a scenario file, a data
 * set and a price list. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "data/dataset.h"
#include "data/scenario_file.h"
#include "probe/prices.h"
#include "run/opts.h"
#include "text/yaml.h"

#include "fuzz_target.h"

enum { CAP_BYTES = 1 << 24 };

static void walk(const struct yaml_node *node, int last_line)
{
    TARGET_CHECK(node->line >= 1 && node->line <= last_line);
    TARGET_CHECK((node->text != NULL) == (node->kind == YAML_SCALAR));
    TARGET_CHECK(!node->is_null || node->kind == YAML_SCALAR);
    for (const struct yaml_node *n = node->first; n != NULL; n = n->next) {
        TARGET_CHECK((n->key != NULL) == (node->kind == YAML_MAP));
        TARGET_CHECK(node->kind != YAML_MAP || yaml_get(node, n->key) == n);
        walk(n, last_line);
    }
}

static void check(enum status status, const struct err *e)
{
    if (status == STATUS_OK)
        return;
    TARGET_CHECK(e->code == status && status != STATUS_INTERNAL);
    TARGET_CHECK(e->where[0] != '\0' && e->what[0] != '\0');
}

static void read_tree(struct str text, struct arena *a)
{
    struct yaml_node *root = NULL;
    struct err e = {0};
    enum status status = yaml_from_text(text, "input", a, &root, &e);
    check(status, &e);
    if (status == STATUS_OK)
        walk(root, (int)text.len + 1);
}

static void read_config(const char *path, struct arena *a)
{
    struct run_opts opts;
    struct opt_parse parse;
    struct err e = {0};
    char flag[] = "--config", name[TARGET_PATH_BYTES];
    (void)snprintf(name, sizeof name, "%s", path);
    char *argv[] = {flag, name};
    const struct cli_table table = {run_opts_offline, RUN_OPTS_OFFLINE, &opts};
    check(cli_parse(&table, &(struct cli_words){2, argv}, a, &parse, &e), &e);
}

static void read_scenarios(const char *path, struct arena *a)
{
    struct scenario_list list = {0};
    struct err e = {0};
    check(scenario_file_read(path, a, &list, &e), &e);
    check(dataset_read(path, a, &list, &e), &e);
}

static void read_prices(const char *path, struct arena *a)
{
    struct price_list list;
    struct price p;
    struct err e = {0};
    enum status s = prices_open(path, (struct wall){0}, a, &list, &e);
    check(s, &e);
    if (s == STATUS_OK)
        check(prices_find(&list, "g5.xlarge", "us-east-1", a, &p), &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    char path[TARGET_PATH_BYTES];
    arena_init(&a, CAP_BYTES);
    read_tree((struct str){.ptr = (const char *)data, .len = size}, &a);
    int fd = target_file(data, size, path);
    read_config(path, &a);
    read_scenarios(path, &a);
    read_prices(path, &a);
    target_file_end(fd);
    arena_fini(&a);
    return 0;
}
