/* The rows of the field table; field.h explains the columns. In the order of FORMAT: the
 * fields of the published tool, the cell and its settings, the load, the world around it.
 */
#ifndef CORE_FIELD_LIST_H
#define CORE_FIELD_LIST_H

#define FIELD_PCT(X, p, s, unit, must, help)                              \
    X(p##_mean_##s, NUM, unit, LOWER, 0, must, help ", mean")             \
    X(p##_p50_##s, NUM, unit, LOWER, 11, must, help ", median")           \
    X(p##_p90_##s, NUM, unit, LOWER, 64, must, help ", 90th percentile")  \
    X(p##_p95_##s, NUM, unit, LOWER, 130, must, help ", 95th percentile") \
    X(p##_p99_##s, NUM, unit, LOWER, 662, must, help ", 99th percentile")

#define FIELD_LIST_OLD(X)                                                                \
    X(experiment_id, STR, "", NEITHER, 0, "MMMM", "instance, mode, scenario and start")  \
    X(timestamp, STR, "", NEITHER, 0, "MMMM", "start of the repeat, local time")         \
    X(model_name, STR, "", NEITHER, 0, "MMMM", "model")                                  \
    X(instance_type, STR, "", NEITHER, 0, "MMMM", "kind of machine")                     \
    X(hardware_type, STR, "", NEITHER, 0, "MMMM", "gpu, neuron, cpu or unknown")         \
    X(serving_mode, STR, "", NEITHER, 0, "MMMM", "offline or online")                    \
    X(batch_size, INT, "", NEITHER, 0, "MmmM", "prompts in the batch; concurrency")      \
    X(input_length, INT, "tokens", NEITHER, 0, "MMMM", "longest prompt of the cell")     \
    X(max_output_tokens, INT, "tokens", NEITHER, 0, "MMMM", "limit on an answer")        \
    X(enable_prefix_caching, BOOL, "", NEITHER, 0, "MmmM", "as the engine is set")       \
    X(temperature, NUM, "", NEITHER, 0, "MMMM", "sampling temperature")                  \
    X(top_p, NUM, "", NEITHER, 0, "MMMM", "nucleus sampling")                            \
    X(total_time, NUM, "s", LOWER, 0, "MMMM", "first send to last token")                \
    X(prefill_time, NUM, "s", LOWER, 0, "Mmmm", "mean, scheduled to first token")        \
    X(decode_time, NUM, "s", LOWER, 0, "MMMM", "mean, first to last token")              \
    X(first_token_latency, NUM, "s", LOWER, 0, "MMMM", "mean TTFT")                      \
    X(actual_input_tokens, INT, "tokens", NEITHER, 0, "MMMM", "prompt tokens, sum")      \
    X(actual_output_tokens, INT, "tokens", NEITHER, 0, "MMMM", "output tokens, sum")     \
    X(tokens_per_second, NUM, "tokens/s", HIGHER, 0, "MMMM", "output tokens a second")   \
    X(time_per_token, NUM, "ms", LOWER, 0, "MMMM", "total time by output tokens")        \
    X(inter_token_latency, NUM, "ms", LOWER, 0, "MMmM", "mean TPOT")                     \
    X(memory_used_mb, NUM, "MB", LOWER, 0, "Mm-m", "engine's memory after load")         \
    X(peak_memory_mb, NUM, "MB", LOWER, 0, "Mm-m", "highest in the repeat")              \
    X(cache_hit_rate, NUM, "", HIGHER, 0, "Mmmm", "prompt tokens served from the cache") \
    X(error, STR, "", NEITHER, 0, "mmmm", "why the repeat failed")                       \
    X(notes, STR, "", NEITHER, 0, "MMMM", "scenario, run and warm-up")

#define FIELD_LIST_CELL(X)                                                             \
    X(run_id, STR, "", NEITHER, 0, "MMMM", "32 hex digits of the run")                 \
    X(row, INT, "", NEITHER, 0, "MMMM", "index of the row in its run")                 \
    X(timestamp_utc, STR, "", NEITHER, 0, "MMMM", "start of the repeat, UTC")          \
    X(label, STR, "", NEITHER, 0, "MMMM", "--label")                                   \
    X(metadata, JSON, "", NEITHER, 0, "MMMM", "--metadata")                            \
    X(scenario, STR, "", NEITHER, 0, "MMMM", "scenario")                               \
    X(repeat, INT, "", NEITHER, 0, "MMMM", "repeat, 0 is the warm-up")                 \
    X(is_warmup, BOOL, "", NEITHER, 0, "MMMM", "warm-up")                              \
    X(engine, STR, "", NEITHER, 0, "MMMM", "engine")                                   \
    X(seed, INT, "", NEITHER, 0, "MMMM", "seed of prompts and arrivals")               \
    X(dataset, STR, "", NEITHER, 0, "mmmm", "file the prompts come from")              \
    X(arrival, STR, "", NEITHER, 0, "mMMm", "batch, closed, poisson, constant, gamma") \
    X(request_rate, NUM, "requests/s", NEITHER, 0, "mmmm", "asked for; \"inf\"")       \
    X(endpoint, STR, "", NEITHER, 0, "mMMm", "completions or chat")                    \
    X(engine_version, STR, "", NEITHER, 0, "Mmmm", "version of the engine")            \
    X(engine_mode, STR, "", NEITHER, 0, "Mmmm", "mp or inproc")                        \
    X(weights, STR, "", NEITHER, 0, "Mmmm", "real or dummy")                           \
    X(model_fingerprint, STR, "", NEITHER, 0, "Mmmm",                                  \
      "sha256, config and weights index")                                              \
    X(dtype, STR, "", NEITHER, 0, "Mmmm", "type of the weights")                       \
    X(quantization, STR, "", NEITHER, 0, "Mmmm", "method, or none")                    \
    X(tensor_parallel_size, INT, "", NEITHER, 0, "Mmmm",                               \
      "devices a layer is split over")                                                 \
    X(devices, INT, "", NEITHER, 0, "Mmmm", "devices used")                            \
    X(max_model_len, INT, "tokens", NEITHER, 0, "Mmmm", "longest prompt plus answer")  \
    X(max_num_seqs, INT, "", NEITHER, 0, "Mmmm", "sequences in a step")                \
    X(max_num_batched_tokens, INT, "tokens", NEITHER, 0, "Mmmm", "tokens in a step")   \
    X(block_size, INT, "tokens", NEITHER, 0, "Mmmm", "tokens in a KV block")           \
    X(kv_cache_tokens, INT, "tokens", NEITHER, 0, "Mmmm", "room of the KV cache")      \
    X(enforce_eager, BOOL, "", NEITHER, 0, "Mmmm", "no compilation, no graphs")        \
    X(prefix_reuse, STR, "", NEITHER, 0, "Mmmm", "cold or warm")                       \
    X(is_simulated, BOOL, "", NEITHER, 0, "Mmmm", "not real hardware")

#define FIELD_LIST_LOAD(X)                                                               \
    X(requests_planned, INT, "", NEITHER, 0, "MMMM", "requests of the plan")             \
    X(requests_ok, INT, "", NEITHER, 0, "MMMM", "succeeded")                             \
    X(requests_failed, INT, "", NEITHER, 0, "MMMM", "failed")                            \
    X(requests_cancelled, INT, "", NEITHER, 0, "MMMM", "cancelled")                      \
    X(failed_by_class, JSON, "", NEITHER, 0, "MMMM", "counts by class")                  \
    X(requests_per_second, NUM, "1/s", HIGHER, 0, "MMMM", "requests that succeeded")     \
    X(total_tokens_per_second, NUM, "tokens/s", HIGHER, 0, "MMMM", "input and output")   \
    X(window_s, NUM, "s", NEITHER, 0, "MMMM", "steady window")                           \
    X(window_tokens_per_second, NUM, "tokens/s", HIGHER, 0, "MMMM", "in that window")    \
    X(goodput_rps, NUM, "1/s", HIGHER, 0, "mmmm", "requests that met the SLO")           \
    X(slo, JSON, "", NEITHER, 0, "mmmm", "limits of goodput")                            \
    FIELD_PCT(X, ttft, s, "s", "MMMM", "time to first token from due")                   \
    FIELD_PCT(X, e2e, s, "s", "MMMM", "end-to-end latency from due")                     \
    FIELD_PCT(X, ttft_service, s, "s", "-MM-", "time to first token from the send")      \
    FIELD_PCT(X, e2e_service, s, "s", "-MM-", "end-to-end latency from the send")        \
    X(send_lag_p50_s, NUM, "s", LOWER, 11, "-MM-", "send minus ready, median")           \
    X(send_lag_p99_s, NUM, "s", LOWER, 662, "-MM-", "send minus ready, 99th percentile") \
    X(send_lag_max_s, NUM, "s", LOWER, 0, "-MM-", "send minus ready, highest")           \
    X(send_late_share, NUM, "", LOWER, 0, "-MM-", "share of late sends")                 \
    X(sends_late, INT, "", LOWER, 0, "-MM-", "late sends")                               \
    FIELD_PCT(X, itl, ms, "ms", "MMmM", "gap between tokens")                            \
    X(itl_max_ms, NUM, "ms", LOWER, 0, "MMmM", "longest gap between tokens")             \
    X(itl_gaps, INT, "", NEITHER, 0, "MMmM", "gaps booked")                              \
    X(itl_excluded, INT, "", NEITHER, 0, "MMmM", "gaps not booked")                      \
    FIELD_PCT(X, tpot, ms, "ms", "MMmM", "time per output token of a request")           \
    X(connect_p50_s, NUM, "s", LOWER, 11, "-MM-", "connecting, median")                  \
    X(connect_max_s, NUM, "s", LOWER, 0, "-MM-", "connecting, longest")                  \
    X(tls_p50_s, NUM, "s", LOWER, 11, "-MM-", "TLS handshake, median")                   \
    X(tls_max_s, NUM, "s", LOWER, 0, "-MM-", "TLS handshake, longest")                   \
    X(connections_new, INT, "", NEITHER, 0, "-MM-", "connections opened")                \
    X(connections_reused, INT, "", NEITHER, 0, "-MM-", "requests on an open one")        \
    X(stamps_exact, INT, "", NEITHER, 0, "mMMm", "exact arrival stamps")                 \
    X(stamps_bounded, INT, "", NEITHER, 0, "mMMm", "stamps that are an upper bound")     \
    X(stamps_tail, INT, "", NEITHER, 0, "mMMm", "stamps read with the stream's end")     \
    X(token_source, STR, "", NEITHER, 0, "mMMm", "engine, usage, token_ids, estimated")  \
    X(stamp_late_p99_ms, NUM, "ms", LOWER, 0, "mMMm", "user minus kernel stamp")         \
    X(clock_steps, INT, "", LOWER, 0, "mMMm", "times that the wall clock was set")

#define FIELD_LIST_WORLD(X)                                                              \
    X(cached_input_tokens, INT, "tokens", HIGHER, 0, "Mmm-",                             \
      "prompt tokens not computed")                                                      \
    X(cache_hit_rate_expected, NUM, "", NEITHER, 0, "Mmm-", "what the prompts allow")    \
    X(cache_source, STR, "", NEITHER, 0, "Mmm-", "who counted the hits")                 \
    X(load_time_s, NUM, "s", LOWER, 0, "mmm-", "loading the engine")                     \
    X(download_time_s, NUM, "s", LOWER, 0, "mmm-", "downloading the model")              \
    X(compile_time_s, NUM, "s", LOWER, 0, "mmm-", "compiling")                           \
    X(preemptions, INT, "", LOWER, 0, "mmm-", "requests preempted")                      \
    X(kv_usage_max, NUM, "", NEITHER, 0, "mmm-", "highest use of the KV cache, 0..1")    \
    X(weights_mb, NUM, "MB", NEITHER, 0, "mmm-", "memory of the weights")                \
    X(kv_cache_mb, NUM, "MB", NEITHER, 0, "mmm-", "memory of the KV cache")              \
    X(cpu_user_s, NUM, "s", NEITHER, 0, "MMMM", "CPU of the machine in user mode")       \
    X(cpu_system_s, NUM, "s", NEITHER, 0, "MMMM", "CPU of the machine in the kernel")    \
    X(steal_ratio, NUM, "", LOWER, 0, "MMMM", "CPU time stolen by other guests")         \
    X(throttled_s, NUM, "s", LOWER, 0, "MMMM", "throttled by the cgroup")                \
    X(power_mean_w, NUM, "W", LOWER, 0, "mmmm", "mean power of the devices")             \
    X(energy_j, NUM, "J", LOWER, 0, "mmmm", "energy of the devices")                     \
    X(client_cpu_ratio, NUM, "", LOWER, 0, "mMMm", "client's CPU, of one core")          \
    X(client_busy_share, NUM, "", LOWER, 0, "mMMm", "share of busy windows")             \
    X(client_busy_windows, INT, "", LOWER, 0, "mMMm", "windows above 80 % of a core")    \
    X(loop_lag_p99_s, NUM, "s", LOWER, 0, "mMMm", "lateness of the client's loop")       \
    X(client_rss_mb, NUM, "MB", LOWER, 0, "mMMm", "client's memory")                     \
    X(drain_interval_us, NUM, "us", NEITHER, 0, "mMMm", "pause between reads")           \
    X(inflight_middle, NUM, "", NEITHER, 0, "mMMm", "in flight, mean of middle third")   \
    X(inflight_last, NUM, "", NEITHER, 0, "mMMm", "in flight, mean of last third")       \
    X(steady_s, NUM, "s", NEITHER, 0, "mMMm", "part judged for overload")                \
    X(send_stretch_s, NUM, "s", NEITHER, 0, "mMMm", "last send beyond the plan")         \
    X(requests_held, INT, "", NEITHER, 0, "mMMm", "held back by --max-concurrency")      \
    X(requests_wrong_length, INT, "", NEITHER, 0, "mMMm", "answers of another length")   \
    X(price_usd_per_hour, NUM, "USD/h", LOWER, 0, "mmmm", "price of the machine")        \
    X(price_source, STR, "", NEITHER, 0, "mmmm", "where the price comes from")           \
    X(usd_per_million_output_tokens, NUM, "USD", LOWER, 0, "mmmm", "cost of the output") \
    X(verdict, STR, "", NEITHER, 0, "mmmm", "VALID, INVALID; null for warm-ups")         \
    X(reasons, JSON, "", NEITHER, 0, "MMMM", "codes that make it INVALID")               \
    X(warnings, JSON, "", NEITHER, 0, "MMMM", "codes that leave it VALID")               \
    X(checks, JSON, "", NEITHER, 0, "MMMM", "rules with field, value and limit")

#define FIELD_LIST(X) \
    FIELD_LIST_OLD(X) FIELD_LIST_CELL(X) FIELD_LIST_LOAD(X) FIELD_LIST_WORLD(X)

#endif
