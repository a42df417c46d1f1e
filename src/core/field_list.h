/* The rows of the field table, in the order of files; field.h explains the columns. */
#ifndef CORE_FIELD_LIST_H
#define CORE_FIELD_LIST_H

#define FIELD_PCT(X, p, s, unit, must, help)                                 \
    X(p##_mean_##s, NUM, unit, LOWER, must, METRIC, help ", mean")           \
    X(p##_p50_##s, NUM, unit, LOWER, must, METRIC, help ", median")          \
    X(p##_p90_##s, NUM, unit, LOWER, must, METRIC, help ", 90th percentile") \
    X(p##_p95_##s, NUM, unit, LOWER, must, METRIC, help ", 95th percentile") \
    X(p##_p99_##s, NUM, unit, LOWER, must, METRIC, help ", 99th percentile")

#define FIELD_LIST_OLD(X)                                                                \
    X(experiment_id, STR, "", NEITHER, "MMMM", IDENTITY,                                 \
      "instance, mode, scenario and start")                                              \
    X(timestamp, STR, "", NEITHER, "MMMM", IDENTITY, "start of the repeat, local time")  \
    X(model_name, STR, "", NEITHER, "MMMM", CELL, "model")                               \
    X(instance_type, STR, "", NEITHER, "MMMM", MACHINE, "kind of machine")               \
    X(hardware_type, STR, "", NEITHER, "MMMM", MACHINE, "gpu, neuron, cpu or unknown")   \
    X(serving_mode, STR, "", NEITHER, "MMMM", CELL, "offline or online")                 \
    X(batch_size, INT, "", NEITHER, "MmmM", CELL, "prompts in the batch; concurrency")   \
    X(input_length, INT, "tokens", NEITHER, "MMMM", CELL, "longest prompt of the cell")  \
    X(max_output_tokens, INT, "tokens", NEITHER, "MMMM", CELL, "limit on an answer")     \
    X(enable_prefix_caching, BOOL, "", NEITHER, "MmmM", SETTING, "as the engine is set") \
    X(temperature, NUM, "", NEITHER, "MMMM", LOAD, "sampling temperature")               \
    X(top_p, NUM, "", NEITHER, "MMMM", LOAD, "nucleus sampling")                         \
    X(total_time, NUM, "s", LOWER, "MMMM", METRIC, "first send to last token")           \
    X(prefill_time, NUM, "s", LOWER, "Mmmm", METRIC, "mean, scheduled to first token")   \
    X(decode_time, NUM, "s", LOWER, "MMMM", METRIC, "mean, first to last token")         \
    X(first_token_latency, NUM, "s", LOWER, "MMMM", SUMMARISED, "mean TTFT")             \
    X(actual_input_tokens, INT, "tokens", NEITHER, "MMMM", COUNT, "prompt tokens, sum")  \
    X(actual_output_tokens, INT, "tokens", NEITHER, "MMMM", COUNT, "output tokens, sum") \
    X(tokens_per_second, NUM, "tokens/s", HIGHER, "MMMM", SUMMARISED,                    \
      "output tokens a second")                                                          \
    X(time_per_token, NUM, "ms", LOWER, "MMMM", SUMMARISED,                              \
      "total time by output tokens")                                                     \
    X(inter_token_latency, NUM, "ms", LOWER, "MMmM", SUMMARISED, "mean TPOT")            \
    X(memory_used_mb, NUM, "MB", LOWER, "Mm-m", METRIC, "engine's memory after load")    \
    X(peak_memory_mb, NUM, "MB", LOWER, "Mm-m", METRIC, "highest in the repeat")         \
    X(cache_hit_rate, NUM, "", HIGHER, "Mmmm", SUMMARISED,                               \
      "prompt tokens served from the cache")                                             \
    X(error, STR, "", NEITHER, "mmmm", TRUST, "why the repeat failed")                   \
    X(notes, STR, "", NEITHER, "MMMM", IDENTITY, "scenario, run and warm-up")

#define FIELD_LIST_CELL(X)                                                               \
    X(run_id, STR, "", NEITHER, "MMMM", IDENTITY, "32 hex digits of the run")            \
    X(row, INT, "", NEITHER, "MMMM", IDENTITY, "index of the row in its run")            \
    X(timestamp_utc, STR, "", NEITHER, "MMMM", IDENTITY, "start of the repeat, UTC")     \
    X(label, STR, "", NEITHER, "MMMM", IDENTITY, "--label")                              \
    X(metadata, JSON, "", NEITHER, "MMMM", IDENTITY, "--metadata")                       \
    X(scenario, STR, "", NEITHER, "MMMM", CELL, "scenario")                              \
    X(repeat, INT, "", NEITHER, "MMMM", IDENTITY, "repeat, 0 is the warm-up")            \
    X(is_warmup, BOOL, "", NEITHER, "MMMM", IDENTITY, "warm-up")                         \
    X(engine, STR, "", NEITHER, "MMMM", SETTING, "engine")                               \
    X(seed, INT, "", NEITHER, "MMMM", LOAD, "seed of prompts and arrivals")              \
    X(dataset, STR, "", NEITHER, "mmmm", LOAD, "file the prompts come from")             \
    X(arrival, STR, "", NEITHER, "mMMm", CELL,                                           \
      "batch, closed, poisson, constant, gamma")                                         \
    X(request_rate, NUM, "requests/s", NEITHER, "mmmm", CELL, "asked for; \"inf\"")      \
    X(endpoint, STR, "", NEITHER, "mMMm", CELL, "completions or chat")                   \
    X(engine_version, STR, "", NEITHER, "Mmmm", SETTING, "version of the engine")        \
    X(engine_mode, STR, "", NEITHER, "Mmmm", SETTING, "mp or inproc")                    \
    X(weights, STR, "", NEITHER, "Mmmm", SETTING, "real or dummy")                       \
    X(model_fingerprint, STR, "", NEITHER, "Mmmm", SETTING,                              \
      "sha256, config and weights index")                                                \
    X(dtype, STR, "", NEITHER, "Mmmm", SETTING, "type of the weights")                   \
    X(quantization, STR, "", NEITHER, "Mmmm", SETTING, "method, or none")                \
    X(tensor_parallel_size, INT, "", NEITHER, "Mmmm", SETTING,                           \
      "devices a layer is split over")                                                   \
    X(devices, INT, "", NEITHER, "Mmmm", SETTING, "devices used")                        \
    X(max_model_len, INT, "tokens", NEITHER, "Mmmm", SETTING,                            \
      "longest prompt plus answer")                                                      \
    X(max_num_seqs, INT, "", NEITHER, "Mmmm", SETTING, "sequences in a step")            \
    X(max_num_batched_tokens, INT, "tokens", NEITHER, "Mmmm", SETTING,                   \
      "tokens in a step")                                                                \
    X(block_size, INT, "tokens", NEITHER, "Mmmm", SETTING, "tokens in a KV block")       \
    X(kv_cache_tokens, INT, "tokens", NEITHER, "Mmmm", SETTING, "room of the KV cache")  \
    X(enforce_eager, BOOL, "", NEITHER, "Mmmm", SETTING, "no compilation, no graphs")    \
    X(engine_args, JSON, "", NEITHER, "MmmM", SETTING,                                   \
      "what was given to the engine, sorted")                                            \
    X(settings_sha256, STR, "", NEITHER, "MMMM", SETTING, "digest of all settings")      \
    X(prefix_reuse, STR, "", NEITHER, "Mmmm", CELL, "cold or warm")                      \
    X(is_simulated, BOOL, "", NEITHER, "Mmmm", SETTING, "not real hardware")             \
    X(machine_sha256, STR, "", NEITHER, "mmmm", MACHINE,                                 \
      "which machine the engine runs on")                                                \
    X(client_machine_sha256, STR, "", NEITHER, "mmmm", MACHINE,                          \
      "which machine inferbench runs on")                                                \
    X(driver_version, STR, "", NEITHER, "mmmm", MACHINE, "driver of the accelerator")    \
    X(launch_id, STR, "", NEITHER, "MMMM", IDENTITY, "which process of the engine")      \
    X(launch_source, STR, "", NEITHER, "MMMM", IDENTITY,                                 \
      "started, metrics or run: how launches are told apart")                            \
    X(setting_position, INT, "", NEITHER, "MMMM", IDENTITY,                              \
      "place of the setting in the run, from 1")                                         \
    X(plan_sha256, STR, "", NEITHER, "MMMM", LOAD,                                       \
      "digest of the work: prompts, lengths, load, seed")                                \
    X(burstiness, NUM, "", NEITHER, "-mm-", LOAD, "shape of gamma gaps")                 \
    X(ramp_up_s, NUM, "s", NEITHER, "-MM-", LOAD, "the load grows over it")              \
    X(num_prompts, INT, "", NEITHER, "-mm-", LOAD, "requests of a repeat, as asked for") \
    X(duration_s, NUM, "s", NEITHER, "-mm-", LOAD, "length of a repeat, as asked for")   \
    X(max_concurrency, INT, "", NEITHER, "-mm-", LOAD, "cap of an open load")            \
    X(warmup_requests, INT, "", NEITHER, "-MM-", LOAD, "sent before each repeat")        \
    X(stop_at_eos, BOOL, "", NEITHER, "MMMM", LOAD, "answers may end early")             \
    X(is_streamed, BOOL, "", NEITHER, "-MM-", LOAD, "answers come token by token")       \
    X(is_keepalive, BOOL, "", NEITHER, "-MM-", LOAD, "connections are used again")       \
    X(token_counts, STR, "", NEITHER, "-MM-", LOAD, "usage, ids or continuous")          \
    X(extra_body, JSON, "", NEITHER, "-mm-", LOAD, "--extra-body, secrets masked")       \
    X(definitions, INT, "", NEITHER, "MMMM", TRUST,                                      \
      "version of the definitions of the numbers")

#define FIELD_LIST_LOAD(X)                                                               \
    X(requests_planned, INT, "", NEITHER, "MMMM", COUNT, "requests of the plan")         \
    X(requests_ok, INT, "", NEITHER, "MMMM", COUNT, "succeeded")                         \
    X(requests_failed, INT, "", NEITHER, "MMMM", COUNT, "failed")                        \
    X(requests_cancelled, INT, "", NEITHER, "MMMM", COUNT, "cancelled")                  \
    X(requests_unanswered, INT, "", LOWER, "MMMM", COUNT,                                \
      "due, and not answered in time")                                                   \
    X(failed_by_class, JSON, "", NEITHER, "MMMM", COUNT, "counts by class")              \
    X(first_error, STR, "", NEITHER, "mmmm", TRUST,                                      \
      "message of the first request that failed")                                        \
    X(requests_per_second, NUM, "1/s", HIGHER, "MMMM", SUMMARISED,                       \
      "requests that succeeded")                                                         \
    X(total_tokens_per_second, NUM, "tokens/s", HIGHER, "MMMM", METRIC,                  \
      "input and output")                                                                \
    X(window_s, NUM, "s", NEITHER, "MMMM", METRIC, "steady window")                      \
    X(window_tokens_per_second, NUM, "tokens/s", HIGHER, "MMMM", METRIC,                 \
      "in that window")                                                                  \
    X(window_requests_per_second, NUM, "1/s", HIGHER, "MMMM", METRIC,                    \
      "answers that ended in that window")                                               \
    X(goodput_rps, NUM, "1/s", HIGHER, "mmmm", SUMMARISED, "requests that met the SLO")  \
    X(goodput_share, NUM, "", HIGHER, "mmmm", METRIC,                                    \
      "of the requests due in the window")                                               \
    X(slo, JSON, "", NEITHER, "mmmm", IDENTITY, "limits of goodput")                     \
    FIELD_PCT(X, ttft, s, "s", "MMMM", "time to first token from due")                   \
    FIELD_PCT(X, e2e, s, "s", "MMMM", "end-to-end latency from due")                     \
    FIELD_PCT(X, ttft_service, s, "s", "-MM-", "time to first token from the send")      \
    FIELD_PCT(X, e2e_service, s, "s", "-MM-", "end-to-end latency from the send")        \
    X(send_lag_p50_s, NUM, "s", LOWER, "-MM-", TRUST, "send minus ready, median")        \
    X(send_lag_p99_s, NUM, "s", LOWER, "-MM-", TRUST,                                    \
      "send minus ready, 99th percentile")                                               \
    X(send_lag_max_s, NUM, "s", LOWER, "-MM-", TRUST, "send minus ready, highest")       \
    X(send_late_share, NUM, "", LOWER, "-MM-", TRUST, "share of late sends")             \
    X(sends_late, INT, "", LOWER, "-MM-", TRUST, "late sends")                           \
    FIELD_PCT(X, itl, ms, "ms", "MMmM", "gap between tokens")                            \
    X(itl_max_ms, NUM, "ms", LOWER, "MMmM", METRIC, "longest gap between tokens")        \
    X(itl_gaps, INT, "", NEITHER, "MMmM", COUNT, "gaps booked")                          \
    X(itl_excluded, INT, "", NEITHER, "MMmM", COUNT, "gaps not booked")                  \
    X(itl_share, NUM, "", HIGHER, "mmmm", TRUST,                                         \
      "share of the answers that gaps come from")                                        \
    X(itl_requests, INT, "", NEITHER, "mmmm", COUNT, "answers that gaps come from")      \
    FIELD_PCT(X, tpot, ms, "ms", "MMmM", "time per output token of a request")           \
    X(tpot_share, NUM, "", HIGHER, "mmmm", TRUST,                                        \
      "share of the answers that TPOT comes from")                                       \
    X(tpot_requests, INT, "", NEITHER, "mmmm", COUNT, "answers that TPOT comes from")    \
    X(connect_p50_s, NUM, "s", LOWER, "-MM-", TRUST, "connecting, median")               \
    X(connect_max_s, NUM, "s", LOWER, "-MM-", TRUST, "connecting, longest")              \
    X(tls_p50_s, NUM, "s", LOWER, "-MM-", TRUST, "TLS handshake, median")                \
    X(tls_max_s, NUM, "s", LOWER, "-MM-", TRUST, "TLS handshake, longest")               \
    X(connections_new, INT, "", NEITHER, "-MM-", COUNT, "connections opened")            \
    X(connections_reused, INT, "", NEITHER, "-MM-", COUNT, "requests on an open one")    \
    X(stamps_exact, INT, "", NEITHER, "mMMm", TRUST, "exact arrival stamps")             \
    X(stamps_bounded, INT, "", NEITHER, "mMMm", TRUST, "stamps that are an upper bound") \
    X(stamps_tail, INT, "", NEITHER, "mMMm", TRUST, "stamps read with the stream's end") \
    X(token_source, STR, "", NEITHER, "mMMm", TRUST,                                     \
      "engine, usage, token_ids, estimated")                                             \
    X(token_events, STR, "", NEITHER, "-mm-", TRUST, "which events were tokens")         \
    X(token_differences, JSON, "", NEITHER, "-mm-", TRUST,                               \
      "events with text less tokens, counted, if nothing fits")                          \
    X(requests_unsettled, INT, "", NEITHER, "-MM-", COUNT,                               \
      "answers whose events and tokens do not fit")                                      \
    X(stamp_late_p99_ms, NUM, "ms", LOWER, "mMMm", TRUST, "user minus kernel stamp")     \
    X(read_interval_p50_s, NUM, "s", NEITHER, "-MM-", TRUST,                             \
      "time between reads of an answer, median")                                         \
    X(clock_steps, INT, "", LOWER, "mMMm", TRUST, "times that the wall clock was set")

#define FIELD_LIST_WORLD(X)                                                              \
    X(cached_input_tokens, INT, "tokens", HIGHER, "Mmm-", METRIC,                        \
      "prompt tokens not computed")                                                      \
    X(cache_hit_rate_expected, NUM, "", NEITHER, "Mmm-", TRUST,                          \
      "what the prompts allow")                                                          \
    X(cache_source, STR, "", NEITHER, "Mmm-", TRUST, "who counted the hits")             \
    X(load_time_s, NUM, "s", LOWER, "mmm-", METRIC, "loading the engine")                \
    X(download_time_s, NUM, "s", LOWER, "mmm-", METRIC, "downloading the model")         \
    X(compile_time_s, NUM, "s", LOWER, "mmm-", METRIC, "compiling")                      \
    X(preemptions, INT, "", LOWER, "mmm-", METRIC, "requests preempted")                 \
    X(kv_usage_max, NUM, "", NEITHER, "mmm-", METRIC,                                    \
      "highest use of the KV cache, 0..1")                                               \
    X(weights_mb, NUM, "MB", NEITHER, "mmm-", METRIC, "memory of the weights")           \
    X(kv_cache_mb, NUM, "MB", NEITHER, "mmm-", METRIC, "memory of the KV cache")         \
    X(cpu_user_s, NUM, "s", NEITHER, "MMMM", TRUST, "CPU of the machine in user mode")   \
    X(cpu_system_s, NUM, "s", NEITHER, "MMMM", TRUST,                                    \
      "CPU of the machine in the kernel")                                                \
    X(steal_ratio, NUM, "", LOWER, "MMMM", TRUST, "CPU time stolen by other guests")     \
    X(throttled_s, NUM, "s", LOWER, "MMMM", TRUST, "throttled by the cgroup")            \
    X(power_mean_w, NUM, "W", LOWER, "mmmm", METRIC, "mean power of the devices")        \
    X(energy_j, NUM, "J", LOWER, "mmmm", METRIC, "energy of the devices")                \
    X(client_cpu_ratio, NUM, "", LOWER, "mMMm", TRUST, "client's CPU, of one core")      \
    X(client_busy_share, NUM, "", LOWER, "mMMm", TRUST, "share of busy windows")         \
    X(client_busy_windows, INT, "", LOWER, "mMMm", TRUST,                                \
      "windows above 80 % of a core")                                                    \
    X(loop_lag_p99_s, NUM, "s", LOWER, "mMMm", TRUST, "lateness of the client's loop")   \
    X(core_wait_mean_s, NUM, "s", LOWER, "-mm-", TRUST,                                  \
      "client's wait for a core, each time")                                             \
    X(client_rss_mb, NUM, "MB", LOWER, "mMMm", TRUST, "client's memory")                 \
    X(drain_interval_us, NUM, "us", NEITHER, "mMMm", TRUST, "pause between reads")       \
    X(inflight_middle, NUM, "", NEITHER, "mMMm", TRUST,                                  \
      "in flight, mean of middle third")                                                 \
    X(inflight_last, NUM, "", NEITHER, "mMMm", TRUST, "in flight, mean of last third")   \
    X(inflight_end, NUM, "", NEITHER, "-mm-", TRUST,                                     \
      "in flight, mean of the last tenth")                                               \
    X(inflight_expected, NUM, "", NEITHER, "-mm-", TRUST,                                \
      "in flight, as early answers and the rate give")                                   \
    X(e2e_early_s, NUM, "s", NEITHER, "-MM-", TRUST,                                     \
      "E2E latency that the window is made from")                                        \
    X(settle_s, NUM, "s", NEITHER, "-mm-", TRUST,                                        \
      "time that an open load needs until it is steady")                                 \
    X(steady_s, NUM, "s", NEITHER, "mmmm", TRUST, "steady part that is judged")          \
    X(slots_lost_share, NUM, "", LOWER, "-mm-", TRUST,                                   \
      "slots' time that requests without an answer took")                                \
    X(send_stretch_s, NUM, "s", NEITHER, "mMMm", TRUST, "last send beyond the plan")     \
    X(requests_held, INT, "", NEITHER, "mMMm", COUNT, "held back by --max-concurrency")  \
    X(requests_wrong_length, INT, "", NEITHER, "mMMm", COUNT,                            \
      "answers of another length")                                                       \
    X(price_usd_per_hour, NUM, "USD/h", LOWER, "mmmm", IDENTITY, "price of the machine") \
    X(price_source, STR, "", NEITHER, "mmmm", IDENTITY, "where the price comes from")    \
    X(usd_per_million_output_tokens, NUM, "USD", LOWER, "mmmm", SUMMARISED,              \
      "cost of the output")                                                              \
    X(verdict, STR, "", NEITHER, "mmmm", TRUST, "VALID, INVALID, INCONCLUSIVE")          \
    X(reasons, FINDINGS, "", NEITHER, "MMMM", TRUST, "codes that take VALID away")       \
    X(warnings, FINDINGS, "", NEITHER, "MMMM", TRUST, "codes that leave it VALID")       \
    X(checks, FINDINGS, "", NEITHER, "MMMM", TRUST, "rules with field, value and limit")

#define FIELD_LIST(X) \
    FIELD_LIST_OLD(X) FIELD_LIST_CELL(X) FIELD_LIST_LOAD(X) FIELD_LIST_WORLD(X)

#endif
