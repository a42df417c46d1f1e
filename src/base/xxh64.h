/* XXH64, the 64-bit hash of xxHash (Yann Collet, github.com/Cyan4973/xxHash,
 * doc/xxhash_spec.md). It tells whether bytes have changed by accident; no defence
 * against someone who wants to change them. */
#ifndef BASE_XXH64_H
#define BASE_XXH64_H

#include <stdint.h>

#include "base/str.h"

uint64_t xxh64(struct str text, uint64_t seed);

#endif
