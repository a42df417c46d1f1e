"""The sums of a journal's lines, after docs/files.md and the specification of XXH64
(github.com/Cyan4973/xxHash, doc/xxhash_spec.md)."""

import re

ALL = (1 << 64) - 1
P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                      0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def rotl(x, bits):
    x &= ALL
    return (x << bits | x >> (64 - bits)) & ALL


def lane(acc, word):
    return rotl(acc + word * P2, 31) * P1 & ALL


def xxh64(data, seed=0):
    words = [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data) & ~7, 8)]
    stripes = len(data) // 32 * 4
    acc = seed + P5
    if stripes:
        lanes = [seed + P1 + P2, seed + P2, seed, seed - P1]
        for i in range(stripes):
            lanes[i % 4] = lane(lanes[i % 4], words[i])
        acc = sum(rotl(x, bits) for x, bits in zip(lanes, (1, 7, 12, 18)))
        for x in lanes:
            acc = (acc ^ lane(0, x)) * P1 + P4 & ALL
    acc = acc + len(data) & ALL
    for word in words[stripes:]:
        acc = rotl(acc ^ lane(0, word), 27) * P1 + P4 & ALL
    rest = data[len(words) * 8:]
    if len(rest) >= 4:
        acc = rotl(acc ^ int.from_bytes(rest[:4], "little") * P1 & ALL, 23) * P2 + P3 & ALL
        rest = rest[4:]
    for byte in rest:
        acc = rotl(acc ^ byte * P5 & ALL, 11) * P1 & ALL
    acc = (acc ^ acc >> 33) * P2 & ALL
    acc = (acc ^ acc >> 29) * P3 & ALL
    return acc ^ acc >> 32


def summed(lines):
    """The same lines, the sums of those that have one made right."""
    made, before = [], 0
    for line in lines:
        found = re.search(rb', ?"sum": ?"[0-9a-f]{16}"}$', line)
        if b'"type":"repeat"' in line[:20]:
            before = 0
        if found:
            text = line[:found.start()]
            seed = before if b'"type":"repeat_end"' in line[:24] else 0
            line = text + b',"sum":"%016x"}' % xxh64(text, seed)
        else:
            before = xxh64(line, before)
        made.append(line)
    return made
