#include "plan/word_prompts.h"

#include <string.h>

#include "plan/prompts.h"

static const char *const words[WORD_PROMPTS_COUNT] = {
    "able",   "about",  "act",    "add",    "again",  "age",    "air",    "all",
    "always", "among",  "animal", "answer", "apple",  "area",   "around", "art",
    "away",   "baby",   "bad",    "ball",   "bank",   "bear",   "beat",   "bed",
    "before", "begin",  "behind", "better", "big",    "black",  "blood",  "board",
    "boat",   "bone",   "book",   "both",   "box",    "boy",    "bread",  "bring",
    "brown",  "build",  "busy",   "buy",    "came",   "camp",   "car",    "card",
    "carry",  "case",   "catch",  "cause",  "center", "chance", "change", "check",
    "child",  "church", "circle", "class",  "clean",  "climb",  "clock",  "cloud",
    "coast",  "cold",   "color",  "common", "cook",   "copper", "corner", "cost",
    "could",  "count",  "cover",  "cow",    "crop",   "cross",  "cry",    "cut",
    "danger", "dark",   "dead",   "deal",   "death",  "decide", "degree", "design",
    "differ", "divide", "doctor", "dollar", "door",   "down",   "draw",   "dress",
    "drink",  "drop",   "dry",    "each",   "ear",    "earth",  "ease",   "eat",
    "effect", "egg",    "either", "else",   "enemy",  "energy", "enough", "enter",
    "even",   "event",  "every",  "exact",  "expect", "eye",    "fact",   "fair",
    "family", "far",    "farm",   "fat",    "father", "fear",   "feed",   "feet",
    "fell",   "few",    "field",  "figure", "fill",   "find",   "fine",   "finish",
    "fire",   "fish",   "five",   "flat",   "flow",   "flower", "follow", "food",
    "force",  "forest", "four",   "free",   "friend", "from",   "fruit",  "full",
    "game",   "garden", "gather", "gentle", "get",    "give",   "glad",   "gold",
    "gone",   "got",    "govern", "grass",  "gray",   "green",  "grew",   "group",
    "grow",   "guide",  "gun",    "half",   "happen", "happy",  "hat",    "have",
    "hear",   "heart",  "heavy",  "held",   "here",   "high",   "hit",    "hold",
    "home",   "hope",   "hot",    "hour",   "how",    "human",  "hunt",   "ice",
    "idea",   "insect", "invent", "island", "job",    "joy",    "jump",   "keep",
    "kept",   "kill",   "kind",   "knew",   "know",   "lake",   "large",  "last",
    "laugh",  "law",    "lead",   "learn",  "leave",  "led",    "leg",    "length",
    "let",    "letter", "lie",    "life",   "light",  "like",   "liquid", "listen",
    "little", "locate", "log",    "long",   "look",   "lot",    "loud",   "low",
    "made",   "main",   "major",  "man",    "many",   "mark",   "market", "master",
    "matter", "may",    "meant",  "meat",   "melody", "men",    "method", "middle",
    "mile",   "milk",   "mine",   "minute", "mix",    "modern", "money",  "month",
    "more",   "mother", "motion", "mouth",  "move",   "music",  "must",   "nation",
    "nature", "neck",   "need",   "new",    "next",   "nine",   "noise",  "north",
    "nose",   "notice", "now",    "number", "occur",  "ocean",  "office", "often",
    "old",    "once",   "only",   "open",   "organ",  "other",  "out",    "over",
    "oxygen", "page",   "pair",   "parent", "part",   "pass",   "past",   "pay",
    "people", "person", "phrase", "piece",  "pitch",  "plain",  "plan",   "planet",
    "plant",  "please", "plural", "point",  "port",   "pose",   "pound",  "power",
    "pretty", "print",  "prove",  "pull",   "put",    "quart",  "quiet",  "quite",
    "radio",  "rail",   "raise",  "ran",    "rather", "read",   "ready",  "reason",
    "record", "region", "repeat", "rest",   "result", "ride",   "right",  "rise",
    "river",  "rock",   "roll",   "root",   "rope",   "round",  "rub",    "rule",
    "safe",   "said",   "salt",   "same",   "sat",    "save",   "say",    "scale",
    "score",  "sea",    "season", "seat",   "see",    "seed",   "select", "sell",
    "send",   "sent",   "serve",  "settle", "seven",  "shape",  "share",  "sheet",
    "shell",  "ship",   "shoe",   "shore",  "short",  "shout",  "show",   "sight",
    "silent", "silver", "since",  "sing",   "sister", "sit",    "size",   "skill",
    "sky",    "sleep",  "slow",   "small",  "smile",  "snow",   "soil",   "solve",
    "son",    "soon",   "sound",  "space",  "speak",  "speed",  "spell",  "spoke",
    "spot",   "spring", "square", "star",   "start",  "stay",   "stead",  "steel",
    "step",   "still",  "stood",  "stop",   "story",  "stream", "string", "strong",
    "such",   "sudden", "sugar",  "suit",   "sun",    "supply", "swim",   "symbol",
    "table",  "tail",   "talk",   "teach",  "team",   "tell",   "ten",    "test",
    "than",   "that",   "the",    "them",   "then",   "these",  "they",   "thin",
    "thing",  "third",  "this",   "though", "three",  "throw",  "tie",    "time",
    "tire",   "told",   "too",    "took",   "top",    "total",  "toward", "town",
    "trade",  "train",  "tree",   "trip",   "true",   "tube",   "turn",   "two",
    "type",   "unit",   "until",  "usual",  "valley", "vary",   "verb",   "view",
    "visit",  "vowel",  "wait",   "wall",   "want",   "warm",   "wash",   "watch",
    "wave",   "way",    "week",   "weight", "went",   "were",   "what",   "wheel",
    "where",  "which",  "white",  "who",    "whose",  "why",    "wife",   "will",
    "win",    "window", "wing",   "wire",   "wish",   "woman",  "wonder", "word",
    "work",   "would",  "write",  "yard",   "year",   "yes",    "yet",    "young",
};

static const char *word_of(int32_t id)
{
    return words[(size_t)(id - PROMPTS_FIRST_ID) % WORD_PROMPTS_COUNT];
}

char *word_prompts_text(const int32_t *ids, size_t count, struct arena *a)
{
    size_t bytes = 1;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(word_of(ids[i])) + 1;
    char *text = arena_alloc(a, bytes, 1), *at = text;
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(word_of(ids[i]));
        if (i > 0)
            *at++ = ' ';
        memmove(at, word_of(ids[i]), len);
        at += len;
    }
    return text;
}
