#include "stats/agree.h"

#define SILENT AGREE_SILENT
#define SAID   AGREE_SAID
#define MUST   AGREE_MUST

/* X(role, in a cell, ON / OFF, machines, GPU / Neuron, models and versions, results that
 * the user chose, the floor of a machine) */
#define AGREE_ROLES(X)                                                    \
    X(IDENTITY, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT)   \
    X(CELL, MUST, MUST, MUST, MUST, MUST, MUST, MUST)                     \
    X(SETTING, MUST, MUST, SAID, SAID, SAID, SAID, SAID)                  \
    X(LOAD, MUST, MUST, SAID, SAID, SAID, SAID, MUST)                     \
    X(MACHINE, MUST, MUST, SILENT, SILENT, SAID, SAID, MUST)              \
    X(METRIC, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT)     \
    X(SUMMARISED, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT) \
    X(COUNT, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT)      \
    X(TRUST, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT)

/* X(field, as above, why) */
#define AGREE_EXCEPTIONS(X)                                                             \
    X(label, MUST, MUST, SILENT, SILENT, SILENT, SILENT, SILENT,                        \
      "the user's name for what is compared")                                           \
    X(definitions, MUST, MUST, MUST, MUST, MUST, MUST, MUST,                            \
      "the same name, another number; offline it is said only")                         \
    X(enable_prefix_caching, MUST, MUST, MUST, MUST, MUST, MUST, SAID,                  \
      "compared itself, ON / OFF")                                                      \
    X(is_simulated, MUST, MUST, MUST, MUST, MUST, MUST, MUST,                           \
      "made numbers against real ones")                                                 \
    X(settings_sha256, MUST, SILENT, SILENT, SILENT, SILENT, SILENT, SAID,              \
      "digest of settings that are compared one by one")                                \
    X(kv_cache_tokens, MUST, SAID, SAID, SAID, SAID, SAID, SAID,                        \
      "follows from the memory left at each launch: 1 % is no difference")              \
    X(block_size, MUST, SAID, SAID, SAID, SAID, SAID, SAID,                             \
      "Neuron's follows from prefix caching")                                           \
    X(dtype, MUST, MUST, MUST, SAID, MUST, SAID, SAID,                                  \
      "decides the speed of one kind of device")                                        \
    X(quantization, MUST, MUST, MUST, SAID, MUST, SAID, SAID, "as dtype")               \
    X(max_num_seqs, MUST, MUST, MUST, SAID, MUST, SAID, SAID,                           \
      "on Neuron the compiled batch")                                                   \
    X(max_num_batched_tokens, MUST, MUST, MUST, SAID, MUST, SAID, SAID,                 \
      "on Neuron fixed")                                                                \
    X(burstiness, MUST, MUST, MUST, MUST, MUST, MUST, MUST, "another load")             \
    X(ramp_up_s, MUST, MUST, MUST, MUST, MUST, MUST, MUST, "another load")              \
    X(max_concurrency, MUST, MUST, MUST, MUST, MUST, MUST, MUST, "another load")        \
    X(is_streamed, MUST, MUST, MUST, MUST, MUST, MUST, MUST,                            \
      "decides what a latency is")                                                      \
    X(stop_at_eos, MUST, MUST, MUST, MUST, MUST, MUST, MUST,                            \
      "decides the length of answers")                                                  \
    X(extra_body, MUST, MUST, MUST, MUST, MUST, MUST, MUST, "another request")          \
    X(instance_type, MUST, MUST, SILENT, SILENT, MUST, SAID, SILENT, "compared itself") \
    X(hardware_type, MUST, MUST, SILENT, SILENT, MUST, SAID, MUST, "compared itself")   \
    X(client_machine_sha256, MUST, MUST, SAID, SAID, SAID, SAID, MUST,                  \
      "part of the measurement")                                                        \
    X(engine, MUST, MUST, SAID, SAID, SAID, SAID, MUST,                                 \
      "another engine starts in another way")                                           \
    X(engine_version, MUST, MUST, SAID, SAID, SAID, SAID, MUST, "as engine")            \
    X(seed, MUST, MUST, SAID, SAID, SAID, SAID, SILENT,                                 \
      "other prompts of the same lengths: launches differ alike")                       \
    X(plan_sha256, MUST, MUST, SAID, SAID, SAID, SAID, SILENT, "holds the seed")        \
    X(driver_version, MUST, MUST, SAID, SAID, SAID, SAID, MUST,                         \
      "changes the speed of a machine")

static const enum agree by_role[][AGREE_WHERE_COUNT] = {
#define X(role, cell, caching, machines, kinds, models, chosen, floor) \
    [ROLE_##role] = {cell, caching, machines, kinds, models, chosen, floor},
    AGREE_ROLES(X)
#undef X
};

enum {
    EXCEPTION_none,
#define X(field, cell, caching, machines, kinds, models, chosen, floor, why) \
    EXCEPTION_##field,
    AGREE_EXCEPTIONS(X)
#undef X
        EXCEPTION_COUNT
};

static const enum agree exceptions[EXCEPTION_COUNT][AGREE_WHERE_COUNT] = {
#define X(field, cell, caching, machines, kinds, models, chosen, floor, why) \
    [EXCEPTION_##field] = {cell, caching, machines, kinds, models, chosen, floor},
    AGREE_EXCEPTIONS(X)
#undef X
};

static const unsigned char exception_of[FIELD_COUNT] = {
#define X(field, cell, caching, machines, kinds, models, chosen, floor, why) \
    [FIELD_##field] = EXCEPTION_##field,
    AGREE_EXCEPTIONS(X)
#undef X
};

enum agree agree_of(enum field_id id, enum agree_where where)
{
    return exception_of[id] != EXCEPTION_none ? exceptions[exception_of[id]][where]
                                              : by_role[field_table[id].role][where];
}

static enum field_id first_from(int id)
{
    while (id < FIELD_COUNT && agree_of((enum field_id)id, AGREE_IN_CELL) != AGREE_MUST)
        id++;
    return (enum field_id)id;
}

enum field_id agree_first(void)
{
    return first_from(0);
}

enum field_id agree_next(enum field_id id)
{
    return first_from((int)id + 1);
}
