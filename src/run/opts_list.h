/* The options of offline and online: one row makes the member of struct run_opts,
 * parsing, range check, help, man page, config key and what is recorded. X: a row with a
 * member of its own: X(modes, type in C, member, option, kind, ...). Y: another row of a
 * member that stands above, in another mode: Y(modes, member, option, kind, ...). At E an
 * engine's own options come. Rows of a group stand together. */
#ifndef RUN_OPTS_LIST_H
#define RUN_OPTS_LIST_H

#define RUN_OPTS_LIST(X, Y, E)                                                           \
    X(OFFLINE, TEXT, model, "model", OPT_STRING, .group = "Model",                       \
      .fallback = "Qwen/Qwen3-0.6B", .value_name = "ID|DIR",                             \
      .help = "model: a hub id or a folder")                                             \
    X(OFFLINE, TEXT, model_name, "model-name", OPT_STRING, .group = "Model",             \
      .help = "name of the model in results, if not --model")                            \
    X(OFFLINE, int64_t, max_model_len, "max-model-len", OPT_INT, .group = "Model",       \
      .min = 16, .max = 1 << 24, .fallback = "4096",                                     \
      .help = "longest prompt plus output, tokens")                                      \
    X(ONLINE, struct opt_strings, base_urls, "base-url", OPT_STRING_LIST,                \
      .group = "Server", .value_name = "URL", .is_address = true,                        \
      .help = "http(s)://host:port or unix:/path; several are used in turn; "            \
              "unset: http://localhost:8000")                                            \
    X(ONLINE, TEXT, host, "host", OPT_STRING, .group = "Server",                         \
      .help = "instead of --base-url")                                                   \
    X(ONLINE, int64_t, port, "port", OPT_INT, .group = "Server", .min = 1, .max = 65535, \
      .help = "instead of --base-url; unset: 8000")                                      \
    X(ONLINE, TEXT, endpoint, "endpoint", OPT_STRING, .group = "Server",                 \
      .value_name = "completions|chat|/PATH", .fallback = "completions",                 \
      .help = "completions: prompts as token ids of exact length; chat: as text"         \
              " of about that length; /PATH: where the server has it")                   \
    X(ONLINE, TEXT, dialect, "dialect", OPT_CHOICE, .group = "Server",                   \
      .choices = OPENAI_DIALECT_CHOICES, .fallback = "auto",                             \
      .help = "what the server takes and offers; auto: as it says itself; other: "       \
              "only what all servers take")                                              \
    Y(ONLINE, model, "model", OPT_STRING, .group = "Server", .value_name = "ID|DIR",     \
      .help = "model to request; unset: the server's only one; with --launch "           \
              "Qwen/Qwen3-0.6B")                                                         \
    Y(ONLINE, model_name, "model-name", OPT_STRING, .group = "Server",                   \
      .help = "name of the model in results, if not the server's")                       \
    X(ONLINE, TEXT, api_key_file, "api-key-file", OPT_STRING, .group = "Server",         \
      .value_name = "FILE",                                                              \
      .help = "file whose first line is the key; unset: OPENAI_API_KEY")                 \
    X(ONLINE, TEXT, api_key, "api-key", OPT_STRING, .group = "Server",                   \
      .value_name = "KEY", .is_secret = true,                                            \
      .help = "the key itself; it shows briefly in the process list and stays "          \
              "in your shell history")                                                   \
    X(ONLINE, struct opt_strings, headers, "header", OPT_PAIRS, .group = "Server",       \
      .value_name = "NAME=VALUE", .is_secret = true,                                     \
      .help = "header sent with each request; its value is never recorded")              \
    X(ONLINE, TEXT, extra_body, "extra-body", OPT_STRING, .group = "Server",             \
      .value_name = "JSON", .is_private = true,                                          \
      .help = "JSON object whose members are added to each request; null leaves "        \
              "out one of ours")                                                         \
    X(ONLINE, struct opt_strings, renames, "rename", OPT_PAIRS, .group = "Server",       \
      .value_name = "MEMBER=NAME",                                                       \
      .help = "another name for a member of each request, e.g. "                         \
              "max_tokens=max_completion_tokens")                                        \
    X(ONLINE, TEXT, ca_cert, "ca-cert", OPT_STRING, .group = "Server",                   \
      .value_name = "FILE", .help = "trusted CA certificates, PEM; unset: the system's") \
    X(ONLINE, bool, insecure, "insecure", OPT_FLAG, .group = "Server",                   \
      .fallback = "false", .help = "trust any certificate")                              \
    X(ONLINE, TEXT, token_counts, "token-counts", OPT_CHOICE, .group = "Server",         \
      .choices = "usage|ids|continuous", .fallback = "usage",                            \
      .help = "usage: the server's count at the end; ids, continuous: the "              \
              "server counts in each event, for events of several tokens, at "           \
              "more bytes per event")                                                    \
    X(ONLINE, bool, no_stream, "no-stream", OPT_FLAG, .group = "Server",                 \
      .fallback = "false", .help = "answers in one piece: no TTFT, ITL or TPOT")         \
    X(ONLINE, bool, no_keepalive, "no-keepalive", OPT_FLAG, .group = "Server",           \
      .fallback = "false", .help = "a new connection for each request")                  \
    X(ONLINE, int64_t, ready_timeout_ns, "ready-timeout", OPT_DURATION,                  \
      .group = "Server", .max = 1e6, .fallback = "600s",                                 \
      .help = "how long to wait for the server to be ready")                             \
    X(ONLINE, int64_t, request_timeout_ns, "request-timeout", OPT_DURATION,              \
      .group = "Server", .min = 0.001, .max = 1e6, .fallback = "600s",                   \
      .help = "a request that takes longer fails")                                       \
    X(ONLINE, bool, launch, "launch", OPT_FLAG, .group = "Launch", .fallback = "false",  \
      .help = "start vLLM's server on a free port, stop it at the end")                  \
    X(ONLINE, TEXT, launch_command, "launch-command", OPT_STRING, .group = "Launch",     \
      .value_name = "WORDS",                                                             \
      .help = "command that starts another server; {port} and {model} are "              \
              "filled in")                                                               \
    E(ONLINE, "Launch")                                                                  \
    Y(ONLINE, max_model_len, "max-model-len", OPT_INT, .group = "Launch", .min = 16,     \
      .max = 1 << 24, .fallback = "4096", .help = "longest prompt plus output, tokens")  \
    X(ONLINE, struct opt_ints, concurrency, "concurrency", OPT_INT_LIST,                 \
      .group = "Load", .min = 1, .max = 1 << 16, .fallback = "1 8 32",                   \
      .help = "closed load: requests in flight, one cell each")                          \
    X(ONLINE, struct opt_doubles, request_rates, "request-rate", OPT_DOUBLE_LIST,        \
      .group = "Load", .min = 0.001, .max = INFINITY, .value_name = "RPS",               \
      .help = "open load: requests per second, one cell each; inf: all at once;"         \
              " instead of --concurrency")                                               \
    X(ONLINE, TEXT, sweep_rates, "sweep-rates", OPT_STRING, .group = "Load",             \
      .value_name = "FROM..TO",                                                          \
      .help = "--request-rate from one to the other, doubled each time: the curve of "   \
              "throughput and latency, e.g. 1..32")                                      \
    X(ONLINE, TEXT, arrival, "arrival", OPT_CHOICE, .group = "Load",                     \
      .choices = "poisson|constant|gamma", .fallback = "poisson",                        \
      .help = "arrival process of an open load")                                         \
    X(ONLINE, double, burstiness, "burstiness", OPT_DOUBLE, .group = "Load",             \
      .min = 0.01, .max = 1e6,                                                           \
      .help = "shape of the gamma distribution: 1 is Poisson, less is burstier")         \
    X(ONLINE, int64_t, num_prompts, "num-prompts", OPT_INT, .group = "Load", .min = 1,   \
      .max = 1e7,                                                                        \
      .help = "requests per repeat; unset: 9 x concurrency, at least 16 more "           \
              "than it; for an open load those due in 90 s (longer for answers "         \
              "above 128 tokens), at least 300; with --duration as many as fit")         \
    X(ONLINE, int64_t, duration_ns, "duration", OPT_DURATION, .group = "Load",           \
      .min = 0.001, .max = 1e6,                                                          \
      .help = "length of each repeat: requests become due during this time")             \
    X(ONLINE, int64_t, max_concurrency, "max-concurrency", OPT_INT, .group = "Load",     \
      .min = 1, .max = 1 << 20,                                                          \
      .help = "open load: cap on requests in flight, waiting counts as latency;"         \
              " without --request-rate the same as --concurrency")                       \
    X(ONLINE, int64_t, ramp_up_ns, "ramp-up", OPT_DURATION, .group = "Load", .max = 1e6, \
      .fallback = "0s",                                                                  \
      .help = "time over which rate or concurrency grows to its full value")             \
    X(ONLINE, int64_t, warmup_requests, "warmup-requests", OPT_INT, .group = "Load",     \
      .max = 1e6, .fallback = "0",                                                       \
      .help = "requests sent before each repeat and not measured")                       \
    X(ONLINE, int64_t, drain_timeout_ns, "drain-timeout", OPT_DURATION, .group = "Load", \
      .max = 1e6, .fallback = "600s",                                                    \
      .help = "how long to wait for answers after the last send, or while no "           \
              "slot is free and no data comes; requests unanswered by then are "         \
              "given up")                                                                \
    X(ONLINE, struct opt_strings, goodput, "goodput", OPT_STRING_LIST, .group = "Load",  \
      .value_name = "WHAT:TIME",                                                         \
      .help = "SLO of a good request, e.g. ttft:500ms tpot:50ms e2e:10s")                \
    X(ONLINE, bool, find_rate, "find-rate", OPT_FLAG, .group = "Capacity",               \
      .fallback = "false",                                                               \
      .help = "instead of a load: find the highest request rate that keeps --slo")       \
    X(ONLINE, bool, find_concurrency, "find-concurrency", OPT_FLAG, .group = "Capacity", \
      .fallback = "false", .help = "the same with requests in flight")                   \
    X(ONLINE, struct opt_strings, slo, "slo", OPT_STRING_LIST, .group = "Capacity",      \
      .value_name = "WHAT:TIME",                                                         \
      .help = "what a request must keep, e.g. ttft:500ms tpot:50ms e2e:10s; or chat "    \
              "(ttft:2s tpot:100ms), interactive (500ms 30ms), batch (6s 175ms)")        \
    X(ONLINE, TEXT, slo_share, "slo-share", OPT_STRING, .group = "Capacity",             \
      .value_name = "PERCENT", .fallback = "99%",                                        \
      .help = "so many requests of a block must keep it")                                \
    X(ONLINE, double, find_from, "find-from", OPT_DOUBLE, .group = "Capacity",           \
      .min = 0.001, .max = 1e6, .value_name = "N",                                       \
      .help = "the first load; unset: half of the requests/s that 32 in flight "         \
              "reach, or 8 in flight")                                                   \
    X(ONLINE, int64_t, find_block_ns, "find-block", OPT_DURATION, .group = "Capacity",   \
      .min = 0.01, .max = 1e6,                                                           \
      .help = "how long a block counts, with 20 requests at least, once its load is "    \
              "steady; unset: max(30 s, 10 E2E latencies, 300 requests)")                \
    X(ONLINE, bool, confirm, "confirm", OPT_FLAG, .group = "Capacity",                   \
      .fallback = "false",                                                               \
      .help = "after the estimate, test the two loads around it: with an error of at "   \
              "most 5 %, in tens of blocks")                                             \
    X(OFFLINE, struct opt_strings, scenarios, "scenarios", OPT_STRING_LIST,              \
      .group = "Work", .fallback = "short medium prefix_caching", .value_name = "NAME",  \
      .help = "scenarios to measure: short, medium, long, long_generation, "             \
              "prefix_caching, and names from --scenario-file")                          \
    Y(ONLINE, scenarios, "scenarios", OPT_STRING_LIST, .group = "Work",                  \
      .fallback = "short", .value_name = "NAME",                                         \
      .help = "scenarios to measure: short, medium, long, long_generation, "             \
              "prefix_caching, and names from --scenario-file")                          \
    X(BOTH, struct opt_strings, scenario_files, "scenario-file", OPT_STRING_LIST,        \
      .group = "Work", .value_name = "FILE.yaml",                                        \
      .help = "YAML file of your own scenarios (name, lengths or texts); all "           \
              "are measured unless --scenarios is given")                                \
    X(BOTH, struct opt_strings, datasets, "dataset", OPT_STRING_LIST, .group = "Work",   \
      .value_name = "FILE.jsonl",                                                        \
      .help = "JSONL file of your own prompts, one {\"prompt\": ...} per line; "         \
              "becomes a scenario named like the file")                                  \
    X(OFFLINE, struct opt_ints, batch_sizes, "batch-sizes", OPT_INT_LIST,                \
      .group = "Work", .min = 1, .max = 1 << 16, .fallback = "1 4",                      \
      .help = "prompts per batch")                                                       \
    X(ONLINE, struct opt_ints, input_len, "input-len", OPT_INT_LIST, .group = "Work",    \
      .min = 1, .max = 1 << 24,                                                          \
      .help = "random prompts of this many tokens, no shared prefix: scenarios "         \
              "in1024, ...")                                                             \
    X(BOTH, int64_t, max_tokens, "max-tokens", OPT_INT, .group = "Work", .min = 1,       \
      .max = 1 << 24, .help = "output tokens per request; unset: each scenario's own")   \
    X(BOTH, double, temperature, "temperature", OPT_DOUBLE, .group = "Work", .max = 2,   \
      .fallback = "0.7", .help = "sampling temperature")                                 \
    X(BOTH, double, top_p, "top-p", OPT_DOUBLE, .group = "Work", .min = 1e-09, .max = 1, \
      .fallback = "0.9", .help = "nucleus sampling")                                     \
    X(BOTH, int64_t, num_runs, "num-runs", OPT_INT, .group = "Work", .min = 2,           \
      .max = 100000, .range_note = "run 0 is the warm-up", .fallback = "3",              \
      .help = "repeats of each cell; run 0 is the warm-up")                              \
    X(BOTH, TEXT, target_ci, "target-ci", OPT_STRING, .group = "Work",                   \
      .value_name = "PERCENT",                                                           \
      .help = "instead of --num-runs: 10 measured repeats of each cell, then as many "   \
              "more as a 95 % interval of +-PERCENT takes")                              \
    X(BOTH, TEXT, target_metric, "target-metric", OPT_CHOICE, .group = "Work",           \
      .choices = "tokens_per_second|first_token_latency|inter_token_latency|"            \
                 "requests_per_second",                                                  \
      .fallback = "tokens_per_second", .help = "what that interval is of")               \
    X(BOTH, int64_t, max_runs, "max-runs", OPT_INT, .group = "Work", .min = 10,          \
      .max = 99999, .fallback = "100",                                                   \
      .help = "with --target-ci: measured repeats of a cell (with --across-launches: "   \
              "launches) at most")                                                       \
    X(BOTH, int64_t, max_time_ns, "max-time", OPT_DURATION, .group = "Work",             \
      .min = 0.001, .max = 1e7,                                                          \
      .help = "with --target-ci: no repeat (or launch) beyond the first 10 begins "      \
              "after so long; of a search: no block")                                    \
    X(BOTH, double, max_cost, "max-cost", OPT_DOUBLE, .group = "Work", .min = 1e-6,      \
      .max = 1e6, .value_name = "USD",                                                   \
      .help = "the same, after so much money at the price of the machine")               \
    X(BOTH, bool, across_launches, "across-launches", OPT_FLAG, .group = "Work",         \
      .fallback = "false",                                                               \
      .help = "with --target-ci: the interval is over launches of the engine: 10 "       \
              "launches of --num-runs repeats, then as many more as it takes")           \
    X(BOTH, int64_t, launches, "launches", OPT_INT, .group = "Work", .min = 1,           \
      .max = 1000, .fallback = "1",                                                      \
      .help = "starts of the engine for each setting, each with all repeats of its "     \
              "cells; settings take turns (A B B A)")                                    \
    X(BOTH, struct opt_strings, settings, "setting", OPT_PAIRS, .group = "Work",         \
      .value_name = "NAME='WORDS'",                                                      \
      .help = "a setting of the engine: its words, as after --; NAME is the label of "   \
              "its rows; given several times, the settings take turns")                  \
    X(BOTH, bool, stop_at_eos, "stop-at-eos", OPT_FLAG, .group = "Work",                 \
      .fallback = "false", .help = "let answers end at EOS; default: fixed lengths")     \
    X(BOTH, int64_t, seed, "seed", OPT_INT, .group = "Work", .max = 9e15,                \
      .fallback = "0", .help = "seed of the prompts and of sampling")                    \
    X(BOTH, int64_t, vocab_size, "vocab-size", OPT_INT, .group = "Work", .min = 64,      \
      .max = 1 << 24,                                                                    \
      .help = "vocabulary size if neither the engine nor the model's "                   \
              "config.json tells; unset: 10000")                                         \
    X(OFFLINE, bool, enable_prefix_caching, "enable-prefix-caching", OPT_FLAG,           \
      .group = "Prefix caching", .fallback = "false",                                    \
      .help = "measure with prefix caching on")                                          \
    Y(ONLINE, enable_prefix_caching, "enable-prefix-caching", OPT_FLAG,                  \
      .group = "Prefix caching", .fallback = "false",                                    \
      .help = "with --launch: measure with prefix caching on")                           \
    X(OFFLINE, bool, test_prefix_caching, "test-prefix-caching", OPT_FLAG,               \
      .group = "Prefix caching", .fallback = "false",                                    \
      .help = "measure OFF and ON with everything else equal")                           \
    Y(ONLINE, test_prefix_caching, "test-prefix-caching", OPT_FLAG,                      \
      .group = "Prefix caching", .fallback = "false",                                    \
      .help = "with --launch: measure OFF and ON with everything else equal")            \
    X(BOTH, TEXT, ab, "ab", OPT_CHOICE, .group = "Prefix caching",                       \
      .choices = "interleaved",                                                          \
      .help = "what hits are worth: one engine, caching on, takes prompts that find "    \
              "no prefix (OFF) and the same that do (ON) in turn")                       \
    X(BOTH, int64_t, ab_blocks, "ab-blocks", OPT_INT, .group = "Prefix caching",         \
      .min = 2, .max = 10000, .fallback = "6",                                           \
      .help = "with --ab: blocks of four repeats, two an arm")                           \
    X(BOTH, struct opt_doubles, hit_rates, "hit-rates", OPT_DOUBLE_LIST,                 \
      .group = "Prefix caching", .min = 0, .max = 99, .value_name = "PERCENT",           \
      .help = "each scenario once for each of these: so much of a prompt is a shared "   \
              "prefix, e.g. 0 25 50 75 95")                                              \
    X(BOTH, int64_t, prefixes, "prefixes", OPT_INT, .group = "Prefix caching", .min = 1, \
      .max = 1 << 20, .fallback = "1",                                                   \
      .help = "with --hit-rates: shared prefixes that prompts take in turn")             \
    X(BOTH, TEXT, prefix_reuse, "prefix-reuse", OPT_CHOICE, .group = "Prefix caching",   \
      .choices = "cold|warm", .fallback = "cold",                                        \
      .help = "cold: new prefix and empty cache for each repeat; warm: same "            \
              "prefix, so a repeat hits the cache of the one before")                    \
    X(OFFLINE, TEXT, engine, "engine", OPT_STRING, .group = "Engine",                    \
      .fallback = "vllm",                                                                \
      .help = "vllm, or null: no inference, shows the cost of inferbench itself")        \
    E(OFFLINE, "Engine")                                                                 \
    X(OFFLINE, double, engine_timeout_s, "engine-timeout", OPT_DOUBLE,                   \
      .group = "Engine", .min = 0.1, .max = 1e6, .fallback = "600",                      \
      .value_name = "SECONDS",                                                           \
      .help = "stop the engine after this long without a new token; loading and"         \
              " compiling get six times that")                                           \
    X(OFFLINE, TEXT, neuron_batch, "neuron-batch", OPT_CHOICE, .group = "Engine",        \
      .choices = "per-cell|max", .fallback = "per-cell",                                 \
      .help = "Neuron compiles for one batch size: load for each size, or once "         \
              "for the largest")                                                         \
    X(ONLINE, int64_t, client_threads, "client-threads", OPT_INT, .group = "Client",     \
      .min = 1, .max = 64, .fallback = "1",                                              \
      .help = "client threads, each with its share of the plan")                         \
    X(ONLINE, int64_t, drain_interval_ns, "drain-interval", OPT_DURATION,                \
      .group = "Client", .max = 0.1,                                                     \
      .help = "pause between reads to save CPU (the kernel still stamps "                \
              "arrivals); 0: none; unset: chosen by load")                               \
    X(BOTH, TEXT, instance_type, "instance-type", OPT_STRING,                            \
      .group = "Machine and labels",                                                     \
      .help = "e.g. g5.xlarge; unset: from EC2 metadata, else unknown")                  \
    X(BOTH, TEXT, hardware_type, "hardware-type", OPT_CHOICE,                            \
      .group = "Machine and labels", .choices = "gpu|neuron|cpu|unknown",                \
      .help = "unset: what the engine uses")                                             \
    X(BOTH, TEXT, label, "label", OPT_STRING, .group = "Machine and labels",             \
      .help = "name of this run in comparisons; unset: the instance type")               \
    X(BOTH, struct opt_strings, metadata, "metadata", OPT_PAIRS,                         \
      .group = "Machine and labels", .value_name = "KEY=VALUE",                          \
      .help = "stored in every row; in MLflow the tag metadata.KEY")                     \
    X(BOTH, double, price_per_hour, "price-per-hour", OPT_DOUBLE,                        \
      .group = "Machine and labels", .max = 1e6, .value_name = "USD",                    \
      .help = "price of the machine; unset: that of --price-file, else the on-demand "   \
              "list price of the instance type in its region")                           \
    X(BOTH, TEXT, price_file, "price-file", OPT_STRING, .group = "Machine and labels",   \
      .value_name = "FILE.yaml",                                                         \
      .help = "prices of your own (spot, reserved...), in the form of data/prices.yaml") \
    X(BOTH, TEXT, region, "region", OPT_STRING, .group = "Machine and labels",           \
      .value_name = "NAME",                                                              \
      .help = "AWS region of the machine, for its price; unset: from EC2 metadata, "     \
              "else unknown, and so is the list price")                                  \
    X(BOTH, bool, no_imds, "no-imds", OPT_FLAG, .group = "Machine and labels",           \
      .fallback = "false", .help = "do not query the EC2 metadata service")              \
    X(BOTH, TEXT, output_dir, "output-dir", OPT_STRING, .group = "Output",               \
      .fallback = "results", .value_name = "DIR", .help = "output folder")               \
    X(BOTH, TEXT, config, "config", OPT_STRING, .group = "Output",                       \
      .value_name = "FILE.yaml",                                                         \
      .help = "YAML file with the same option names; the command line wins")             \
    X(BOTH, struct opt_doubles, percentiles, "percentiles", OPT_DOUBLE_LIST,             \
      .group = "Output", .min = 0.1, .max = 99.999, .fallback = "50 90 95 99",           \
      .help = "latency percentiles in the summary; of the default ones those that "      \
              "the plan can support")                                                    \
    X(BOTH, int64_t, save_every_ns, "save-every", OPT_DURATION, .group = "Output",       \
      .max = 1e6, .fallback = "60s",                                                     \
      .help = "write partial results between cells, at most this often")                 \
    X(BOTH, bool, no_gaps, "no-gaps", OPT_FLAG, .group = "Output", .fallback = "false",  \
      .help = "do not store gaps between tokens: small journal, no ITL")                 \
    X(BOTH, struct opt_strings, limits, "limit", OPT_PAIRS, .group = "Output",           \
      .value_name = "CODE=VALUE", .help = "limit of a verdict rule, e.g. ERRORS=0.01")   \
    X(BOTH, TEXT, accept_invalid, "accept-invalid", OPT_MAYBE, .group = "Output",        \
      .value_name = "CODE,...",                                                          \
      .help = "exit code 0 even if cells are INVALID, for these codes or all")           \
    X(BOTH, bool, require_valid, "require-valid", OPT_FLAG, .group = "Output",           \
      .fallback = "false", .help = "exit code 3 also if a cell is INCONCLUSIVE")         \
    X(BOTH, TEXT, mlflow_uri, "mlflow-uri", OPT_STRING, .group = "Output",               \
      .value_name = "URI", .is_address = true,                                           \
      .help = "MLflow server; unset: MLFLOW_TRACKING_URI, else "                         \
              "http://localhost:5000")                                                   \
    X(BOTH, TEXT, mlflow_experiment, "mlflow-experiment", OPT_STRING, .group = "Output", \
      .value_name = "NAME",                                                              \
      .help = "unset: MLFLOW_EXPERIMENT_NAME or _ID, else vllm-offline-benchmark, "      \
              "vllm-online-benchmark")                                                   \
    X(BOTH, struct opt_strings, mlflow_tags, "mlflow-tag", OPT_PAIRS, .group = "Output", \
      .value_name = "KEY=VALUE", .help = "tag of every MLflow run")                      \
    X(BOTH, bool, mlflow_verify, "mlflow-verify", OPT_FLAG, .group = "Output",           \
      .fallback = "false", .help = "read back and compare what MLflow stored")           \
    X(BOTH, bool, no_mlflow, "no-mlflow", OPT_FLAG, .group = "Output",                   \
      .fallback = "false", .help = "do not log to MLflow")                               \
    X(BOTH, TEXT, mpi, "mpi", OPT_CHOICE, .group = "Output",                             \
      .choices = "auto|openmpi|mpich|none", .fallback = "auto",                          \
      .help = "MPI library of the launcher that started several processes of one run; "  \
              "none: each is a run of its own")                                          \
    X(BOTH, bool, dry_run, "dry-run", OPT_FLAG, .group = "Output", .fallback = "false",  \
      .help = "print the plan and exit")                                                 \
    X(BOTH, bool, quiet, "quiet", OPT_FLAG, .group = "Output", .short_name = 'q',        \
      .fallback = "false", .help = "no progress, only the table, warnings and errors")   \
    X(BOTH, bool, verbose, "verbose", OPT_FLAG, .group = "Output", .short_name = 'v',    \
      .fallback = "false", .help = "more notes")
#endif
