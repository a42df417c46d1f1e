#include "plan/hits.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

#define HITS_ROOT        0
#define HITS_FIRST_SLOTS 64

/* Node i stands for the prefix that ends in its block; equal blocks behind equal prefixes
 * are one node. The root (index 0, the empty prefix) is not stored: node k is nodes[k -
 * 1]. */
struct hits_node {
    const int32_t *block;
    size_t parent;
    uint64_t hash;
};

void hits_init(struct hits *h, size_t block_tokens)
{
    *h = (struct hits){.block_tokens = block_tokens};
}

void hits_fini(struct hits *h)
{
    mem_free(h->nodes);
    mem_free(h->slots);
    hits_init(h, h->block_tokens);
}

/* FNV-1a over words, then the finaliser of splitmix64. Collisions cost time, not truth:
 * blocks are compared. */
static uint64_t hash_block(const int32_t *ids, size_t count, size_t parent)
{
    uint64_t x = UINT64_C(14695981039346656037) ^ parent;

    for (size_t i = 0; i < count; i++) {
        x = (x ^ (uint32_t)ids[i]) * UINT64_C(1099511628211);
        x ^= x >> 29;
    }
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void place(struct hits *h, size_t node)
{
    size_t mask = h->slot_count - 1;
    size_t at = (size_t)h->nodes[node - 1].hash & mask;

    while (h->slots[at] != 0)
        at = (at + 1) & mask;
    h->slots[at] = node;
}

/* Room for one more node, at most half of the slots taken. */
static enum status make_room(struct hits *h)
{
    if (h->node_count == h->node_room) {
        size_t room = h->node_room == 0 ? HITS_FIRST_SLOTS / 2 : h->node_room * 2;
        struct hits_node *nodes = mem_resize(h->nodes, room, sizeof *nodes);
        if (nodes == NULL)
            return STATUS_NO_MEMORY;
        h->nodes = nodes;
        h->node_room = room;
    }
    if (h->slot_count >= 2 * (h->node_count + 1))
        return STATUS_OK;
    size_t count = h->slot_count == 0 ? HITS_FIRST_SLOTS : h->slot_count * 2;
    size_t *slots = mem_alloc(count, sizeof *slots);
    if (slots == NULL)
        return STATUS_NO_MEMORY;
    mem_free(h->slots);
    h->slots = slots;
    h->slot_count = count;
    for (size_t i = 1; i <= h->node_count; i++)
        place(h, i);
    return STATUS_OK;
}

/* The child of `parent` with this block, or 0. */
static size_t find(const struct hits *h, const int32_t *block, size_t parent,
                   uint64_t hash)
{
    if (h->slot_count == 0)
        return 0;
    size_t mask = h->slot_count - 1;
    for (size_t at = (size_t)hash & mask; h->slots[at] != 0; at = (at + 1) & mask) {
        const struct hits_node *n = &h->nodes[h->slots[at] - 1];
        if (n->hash == hash && n->parent == parent &&
            memcmp(n->block, block, h->block_tokens * sizeof *block) == 0)
            return h->slots[at];
    }
    return 0;
}

enum status hits_add(struct hits *h, const int32_t *ids, size_t id_count, int64_t *cached)
{
    size_t node = HITS_ROOT, hit_tokens = 0;
    bool is_known = true;

    for (size_t end = h->block_tokens; end <= id_count; end += h->block_tokens) {
        const int32_t *block = ids + end - h->block_tokens;
        uint64_t hash = hash_block(block, h->block_tokens, node);
        size_t next = is_known ? find(h, block, node, hash) : 0;
        if (next == 0) {
            is_known = false;
            if (make_room(h) != STATUS_OK)
                return STATUS_NO_MEMORY;
            h->nodes[h->node_count++] = (struct hits_node){
                .block = block, .parent = node, .hash = hash};
            next = h->node_count;
            place(h, next);
        } else if (end < id_count) {
            hit_tokens = end;
        }
        node = next;
    }
    *cached = (int64_t)hit_tokens;
    return STATUS_OK;
}
