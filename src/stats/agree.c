#include "stats/agree.h"

#define SILENT AGREE_SILENT
#define SAID   AGREE_SAID
#define MUST   AGREE_MUST

/* X(role, in a cell, ON / OFF, machines, GPU / Neuron, models and versions, results that
 * the user chose) */
#define AGREE_ROLES(X)                                            \
    X(IDENTITY, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT)   \
    X(CELL, MUST, MUST, MUST, MUST, MUST, MUST)                   \
    X(SETTING, MUST, MUST, SAID, SAID, SAID, SAID)                \
    X(LOAD, MUST, MUST, SAID, SAID, SAID, SAID)                   \
    X(MACHINE, MUST, MUST, SILENT, SILENT, SAID, SAID)            \
    X(METRIC, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT)     \
    X(SUMMARISED, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT) \
    X(COUNT, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT)      \
    X(TRUST, SILENT, SILENT, SILENT, SILENT, SILENT, SILENT)

/* X(field, as above, why) */
#define AGREE_EXCEPTIONS(X)                                                             \
    X(label, MUST, MUST, SILENT, SILENT, SILENT, SILENT,                                \
      "the user's name for what is compared")                                           \
    X(definitions, MUST, MUST, MUST, MUST, MUST, MUST,                                  \
      "the same name, another number; offline it is said only")                         \
    X(enable_prefix_caching, MUST, MUST, MUST, MUST, MUST, MUST,                        \
      "compared itself, ON / OFF")                                                      \
    X(is_simulated, MUST, MUST, MUST, MUST, MUST, MUST,                                 \
      "made numbers against real ones")                                                 \
    X(settings_sha256, MUST, SILENT, SILENT, SILENT, SILENT, SILENT,                    \
      "digest of settings that are compared one by one")                                \
    X(kv_cache_tokens, MUST, SAID, SAID, SAID, SAID, SAID,                              \
      "follows from the memory left at each launch: 1 % is no difference")              \
    X(block_size, MUST, SAID, SAID, SAID, SAID, SAID,                                   \
      "Neuron's follows from prefix caching")                                           \
    X(dtype, MUST, MUST, MUST, SAID, MUST, SAID,                                        \
      "decides the speed of one kind of device")                                        \
    X(quantization, MUST, MUST, MUST, SAID, MUST, SAID, "as dtype")                     \
    X(max_num_seqs, MUST, MUST, MUST, SAID, MUST, SAID, "on Neuron the compiled batch") \
    X(max_num_batched_tokens, MUST, MUST, MUST, SAID, MUST, SAID, "on Neuron fixed")    \
    X(burstiness, MUST, MUST, MUST, MUST, MUST, MUST, "another load")                   \
    X(ramp_up_s, MUST, MUST, MUST, MUST, MUST, MUST, "another load")                    \
    X(max_concurrency, MUST, MUST, MUST, MUST, MUST, MUST, "another load")              \
    X(is_streamed, MUST, MUST, MUST, MUST, MUST, MUST, "decides what a latency is")     \
    X(stop_at_eos, MUST, MUST, MUST, MUST, MUST, MUST, "decides the length of answers") \
    X(extra_body, MUST, MUST, MUST, MUST, MUST, MUST, "another request")                \
    X(instance_type, MUST, MUST, SILENT, SILENT, MUST, SAID, "compared itself")         \
    X(hardware_type, MUST, MUST, SILENT, SILENT, MUST, SAID, "compared itself")         \
    X(client_machine_sha256, MUST, MUST, SAID, SAID, SAID, SAID,                        \
      "part of the measurement")                                                        \
    X(driver_version, MUST, MUST, SAID, SAID, SAID, SAID,                               \
      "changes the speed of a machine")

static const enum agree by_role[][AGREE_WHERE_COUNT] = {
#define X(role, cell, caching, machines, kinds, models, chosen) \
    [ROLE_##role] = {cell, caching, machines, kinds, models, chosen},
    AGREE_ROLES(X)
#undef X
};

enum {
    EXCEPTION_none,
#define X(field, cell, caching, machines, kinds, models, chosen, why) EXCEPTION_##field,
    AGREE_EXCEPTIONS(X)
#undef X
        EXCEPTION_COUNT
};

static const enum agree exceptions[EXCEPTION_COUNT][AGREE_WHERE_COUNT] = {
#define X(field, cell, caching, machines, kinds, models, chosen, why) \
    [EXCEPTION_##field] = {cell, caching, machines, kinds, models, chosen},
    AGREE_EXCEPTIONS(X)
#undef X
};

static const unsigned char exception_of[FIELD_COUNT] = {
#define X(field, cell, caching, machines, kinds, models, chosen, why) \
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
