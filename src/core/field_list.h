/* The rows of the field table, in the order of files; field.h explains the columns. */
#ifndef CORE_FIELD_LIST_H
#define CORE_FIELD_LIST_H

#define FIELD_PCT(X, p, s, unit, must, help)                                 \
    X(p##_mean_##s, NUM, unit, LOWER, must, METRIC, help ", mean")           \
    X(p##_p50_##s, NUM, unit, LOWER, must, METRIC, help ", median")          \
    FIELD_ENDS(X, p##_p50, s, unit, help ", median")                         \
    X(p##_p90_##s, NUM, unit, LOWER, must, METRIC, help ", 90th percentile") \
    X(p##_p95_##s, NUM, unit, LOWER, must, METRIC, help ", 95th percentile") \
    X(p##_p99_##s, NUM, unit, LOWER, must, METRIC, help ", 99th percentile") \
    FIELD_ENDS(X, p##_p99, s, unit, help ", 99th percentile")

/* Of a percentile's 95 % interval. */
#define FIELD_ENDS(X, p, s, unit, help)                                        \
    X(p##_low_##s, NUM, unit, LOWER, "-m", METRIC, help ", lower end of 95 %") \
    X(p##_high_##s, NUM, unit, LOWER, "-m", METRIC, help ", upper end of 95 %")

#define FIELD_LIST_OLD(X)                                                                \
    X(experiment_id, STR, "", NEITHER, "MM", IDENTITY,                                   \
      "instance, mode, scenario, setting by name, start")                                \
    X(timestamp, STR, "", NEITHER, "MM", IDENTITY, "start of the repeat, local time")    \
    X(model_name, STR, "", NEITHER, "MM", CELL, "model")                                 \
    X(instance_type, STR, "", NEITHER, "MM", MACHINE, "kind of machine")                 \
    X(hardware_type, STR, "", NEITHER, "MM", MACHINE, "gpu, neuron, cpu or unknown")     \
    X(serving_mode, STR, "", NEITHER, "MM", CELL, "offline or online")                   \
    X(batch_size, INT, "", NEITHER, "Mm", CELL, "prompts in the batch; concurrency")     \
    X(input_length, INT, "tokens", NEITHER, "MM", CELL, "longest prompt of the cell")    \
    X(max_output_tokens, INT, "tokens", NEITHER, "MM", CELL, "limit on an answer")       \
    X(enable_prefix_caching, BOOL, "", NEITHER, "Mm", SETTING, "as the engine is set")   \
    X(temperature, NUM, "", NEITHER, "MM", LOAD, "sampling temperature")                 \
    X(top_p, NUM, "", NEITHER, "MM", LOAD, "nucleus sampling")                           \
    X(total_time, NUM, "s", LOWER, "MM", METRIC, "first send to last token")             \
    X(prefill_time, NUM, "s", LOWER, "mm", METRIC, "mean, scheduled to first token")     \
    X(decode_time, NUM, "s", LOWER, "MM", METRIC, "mean, first to last token")           \
    X(first_token_latency, NUM, "s", LOWER, "MM", SUMMARISED, "mean TTFT")               \
    X(actual_input_tokens, INT, "tokens", NEITHER, "MM", COUNT, "prompt tokens, sum")    \
    X(actual_output_tokens, INT, "tokens", NEITHER, "MM", COUNT, "output tokens, sum")   \
    X(tokens_per_second, NUM, "tokens/s", HIGHER, "MM", SUMMARISED,                      \
      "output tokens a second")                                                          \
    X(time_per_token, NUM, "ms", LOWER, "MM", SUMMARISED, "total time by output tokens") \
    X(inter_token_latency, NUM, "ms", LOWER, "Mm", SUMMARISED, "mean TPOT")              \
    X(memory_used_mb, NUM, "MB", LOWER, "mm", METRIC, "engine's memory after load")      \
    X(peak_memory_mb, NUM, "MB", LOWER, "mm", METRIC, "highest in the repeat")           \
    X(cache_hit_rate, NUM, "", HIGHER, "mm", SUMMARISED,                                 \
      "prompt tokens served from the cache")                                             \
    X(error, STR, "", NEITHER, "mm", TRUST, "why the repeat failed")                     \
    X(notes, STR, "", NEITHER, "MM", IDENTITY, "scenario, run and warm-up")

#define FIELD_LIST_CELL(X)                                                               \
    X(run_id, STR, "", NEITHER, "MM", IDENTITY, "32 hex digits of the run")              \
    X(row, INT, "", NEITHER, "MM", IDENTITY, "index of the row in its run")              \
    X(timestamp_utc, STR, "", NEITHER, "MM", IDENTITY, "start of the repeat, UTC")       \
    X(label, STR, "", NEITHER, "MM", IDENTITY, "--label")                                \
    X(metadata, JSON, "", NEITHER, "MM", IDENTITY, "--metadata")                         \
    X(scenario, STR, "", NEITHER, "MM", CELL, "scenario")                                \
    X(repeat, INT, "", NEITHER, "MM", IDENTITY, "repeat, 0 is the warm-up")              \
    X(is_warmup, BOOL, "", NEITHER, "MM", IDENTITY, "warm-up")                           \
    X(engine, STR, "", NEITHER, "MM", SETTING, "engine")                                 \
    X(seed, INT, "", NEITHER, "MM", LOAD, "seed of prompts and arrivals")                \
    X(dataset, STR, "", NEITHER, "mm", LOAD, "file the prompts come from")               \
    X(arrival, STR, "", NEITHER, "mM", CELL, "batch, closed, poisson, constant, gamma")  \
    X(request_rate, NUM, "requests/s", NEITHER, "mm", CELL, "asked for; \"inf\"")        \
    X(endpoint, STR, "", NEITHER, "mM", CELL, "completions or chat")                     \
    X(engine_version, STR, "", NEITHER, "mm", SETTING, "version of the engine")          \
    X(engine_mode, STR, "", NEITHER, "mm", SETTING, "mp or inproc")                      \
    X(weights, STR, "", NEITHER, "mm", SETTING, "real or dummy")                         \
    X(model_fingerprint, STR, "", NEITHER, "mm", SETTING,                                \
      "sha256, config and weights index")                                                \
    X(dtype, STR, "", NEITHER, "mm", SETTING, "type of the weights")                     \
    X(quantization, STR, "", NEITHER, "mm", SETTING, "method, or none")                  \
    X(tensor_parallel_size, INT, "", NEITHER, "mm", SETTING,                             \
      "devices a layer is split over")                                                   \
    X(devices, INT, "", NEITHER, "mm", SETTING, "devices used")                          \
    X(max_model_len, INT, "tokens", NEITHER, "mm", SETTING,                              \
      "longest prompt plus answer")                                                      \
    X(max_num_seqs, INT, "", NEITHER, "mm", SETTING, "sequences in a step")              \
    X(max_num_batched_tokens, INT, "tokens", NEITHER, "mm", SETTING, "tokens in a step") \
    X(block_size, INT, "tokens", NEITHER, "mm", SETTING, "tokens in a KV block")         \
    X(kv_cache_tokens, INT, "tokens", NEITHER, "mm", SETTING, "room of the KV cache")    \
    X(enforce_eager, BOOL, "", NEITHER, "mm", SETTING, "no compilation, no graphs")      \
    X(engine_args, JSON, "", NEITHER, "Mm", SETTING,                                     \
      "what was given to the engine, sorted")                                            \
    X(settings_sha256, STR, "", NEITHER, "MM", SETTING, "digest of all settings")        \
    X(prefix_reuse, STR, "", NEITHER, "mm", CELL, "cold or warm")                        \
    X(is_simulated, BOOL, "", NEITHER, "mm", SETTING, "not real hardware")               \
    X(machine_sha256, STR, "", NEITHER, "mm", MACHINE,                                   \
      "which machine the engine runs on")                                                \
    X(client_machine_sha256, STR, "", NEITHER, "mm", MACHINE,                            \
      "which machine inferbench runs on")                                                \
    X(driver_version, STR, "", NEITHER, "mm", MACHINE, "driver of the accelerator")      \
    X(launch_id, STR, "", NEITHER, "MM", IDENTITY, "which process of the engine")        \
    X(launch_source, STR, "", NEITHER, "MM", IDENTITY,                                   \
      "started, metrics or run: how launches are told apart")                            \
    X(target_ci, NUM, "", NEITHER, "mm", IDENTITY, "--target-ci, as a share")            \
    X(target_metric, STR, "", NEITHER, "mm", IDENTITY, "--target-metric")                \
    X(target_unit, STR, "", NEITHER, "mm", IDENTITY,                                     \
      "what the target counts: repeat or launch (--across-launches)")                    \
    X(stein_n0, INT, "", NEITHER, "mm", TRUST,                                           \
      "units of the first stage, which decide on the rest")                              \
    X(stein_s0, NUM, "", NEITHER, "mm", TRUST, "standard deviation of their logarithms") \
    X(stein_n, INT, "", NEITHER, "mm", TRUST, "units that the target takes")             \
    X(setting_position, INT, "", NEITHER, "MM", IDENTITY,                                \
      "place of the setting in the run, from 1")                                         \
    X(setting_number, INT, "", NEITHER, "MM", IDENTITY,                                  \
      "place of the setting among those given, from 1: OFF, ON; --setting")              \
    X(prefix_share, NUM, "", NEITHER, "mm", CELL,                                        \
      "--hit-rates: shared part of a prompt")                                            \
    X(cache_arm, STR, "", NEITHER, "mm", CELL,                                           \
      "off or on: may requests of a repeat find each other's prefix")                    \
    X(ab_block, INT, "", NEITHER, "mm", IDENTITY, "block of the repeat, from 0")         \
    X(ranks, INT, "", NEITHER, "-m", LOAD, "processes that sent, if several")            \
    X(rank, INT, "", NEITHER, "m-", IDENTITY, "process of several, from 0")              \
    X(plan_sha256, STR, "", NEITHER, "MM", LOAD,                                         \
      "digest of the work: prompts, lengths, load, seed")                                \
    X(burstiness, NUM, "", NEITHER, "-m", LOAD, "shape of gamma gaps")                   \
    X(ramp_up_s, NUM, "s", NEITHER, "-M", LOAD, "the load grows over it")                \
    X(num_prompts, INT, "", NEITHER, "-m", LOAD, "requests of a repeat, as asked for")   \
    X(duration_s, NUM, "s", NEITHER, "-m", LOAD, "length of a repeat, as asked for")     \
    X(max_concurrency, INT, "", NEITHER, "-m", LOAD, "cap of an open load")              \
    X(warmup_requests, INT, "", NEITHER, "-M", LOAD, "sent before each repeat")          \
    X(stop_at_eos, BOOL, "", NEITHER, "MM", LOAD, "answers may end early")               \
    X(is_streamed, BOOL, "", NEITHER, "-M", LOAD, "answers come token by token")         \
    X(is_keepalive, BOOL, "", NEITHER, "-M", LOAD, "connections are used again")         \
    X(dialect, STR, "", NEITHER, "-m", LOAD, "kind of server, as told or recognised")    \
    X(token_counts, STR, "", NEITHER, "-M", LOAD, "usage, ids or continuous")            \
    X(extra_body, JSON, "", NEITHER, "-m", LOAD, "--extra-body, secrets masked")         \
    X(definitions, INT, "", NEITHER, "MM", TRUST,                                        \
      "version of the definitions of the numbers")

#define FIELD_LIST_LOAD(X)                                                               \
    X(requests_planned, INT, "", NEITHER, "MM", COUNT, "requests of the plan")           \
    X(requests_ok, INT, "", NEITHER, "MM", COUNT, "succeeded")                           \
    X(requests_failed, INT, "", NEITHER, "MM", COUNT, "failed")                          \
    X(requests_cancelled, INT, "", NEITHER, "MM", COUNT, "cancelled")                    \
    X(requests_unanswered, INT, "", LOWER, "MM", COUNT, "due, and not answered in time") \
    X(failed_by_class, JSON, "", NEITHER, "MM", COUNT, "counts by class")                \
    X(first_error, STR, "", NEITHER, "mm", TRUST,                                        \
      "message of the first request that failed")                                        \
    X(requests_per_second, NUM, "1/s", HIGHER, "MM", SUMMARISED,                         \
      "requests that succeeded")                                                         \
    X(total_tokens_per_second, NUM, "tokens/s", HIGHER, "MM", METRIC,                    \
      "input and output")                                                                \
    X(window_s, NUM, "s", NEITHER, "MM", METRIC, "steady window")                        \
    X(window_tokens_per_second, NUM, "tokens/s", HIGHER, "MM", METRIC, "in that window") \
    X(window_requests_per_second, NUM, "1/s", HIGHER, "MM", METRIC,                      \
      "answers that ended in that window")                                               \
    X(goodput_rps, NUM, "1/s", HIGHER, "mm", SUMMARISED, "requests that met the SLO")    \
    X(goodput_share, NUM, "", HIGHER, "mm", METRIC, "of the requests due in the window") \
    X(goodput_due, INT, "", NEITHER, "-m", COUNT, "requests due in the window")          \
    X(slo, JSON, "", NEITHER, "mm", IDENTITY, "limits of goodput")                       \
    X(slo_search, JSON, "", NEITHER, "-m", IDENTITY,                                     \
      "what --find-rate or --find-concurrency searches for")                             \
    X(slo_block, STR, "", NEITHER, "-m", TRUST, "of a search: good, bad or void")        \
    FIELD_PCT(X, ttft, s, "s", "MM", "time to first token from due")                     \
    X(ttft_share, NUM, "", HIGHER, "mm", TRUST,                                          \
      "share of the answers that TTFT comes from")                                       \
    FIELD_PCT(X, e2e, s, "s", "MM", "end-to-end latency from due")                       \
    FIELD_PCT(X, ttft_service, s, "s", "-M", "time to first token from the send")        \
    FIELD_PCT(X, e2e_service, s, "s", "-M", "end-to-end latency from the send")          \
    X(send_lag_p50_s, NUM, "s", LOWER, "-M", TRUST, "send minus ready, median")          \
    X(send_lag_p99_s, NUM, "s", LOWER, "-M", TRUST, "send minus ready, 99th percentile") \
    X(send_lag_max_s, NUM, "s", LOWER, "-M", TRUST, "send minus ready, highest")         \
    X(send_late_share, NUM, "", LOWER, "-M", TRUST, "share of late sends")               \
    X(sends_late, INT, "", LOWER, "-M", TRUST, "late sends")                             \
    X(send_late_rank, INT, "", NEITHER, "-m", TRUST, "rank with most late sends")        \
    X(send_late_rank_share, NUM, "", LOWER, "-m", TRUST, "share of late sends of it")    \
    FIELD_PCT(X, itl, ms, "ms", "Mm", "gap between tokens")                              \
    X(itl_max_ms, NUM, "ms", LOWER, "Mm", METRIC, "longest gap between tokens")          \
    X(itl_gaps, INT, "", NEITHER, "Mm", COUNT, "gaps booked")                            \
    X(itl_excluded, INT, "", NEITHER, "Mm", COUNT, "gaps not booked")                    \
    X(itl_share, NUM, "", HIGHER, "mm", TRUST,                                           \
      "share of the answers that gaps come from")                                        \
    X(itl_requests, INT, "", NEITHER, "mm", COUNT, "answers that gaps come from")        \
    FIELD_PCT(X, tpot, ms, "ms", "Mm", "time per output token of a request")             \
    X(tpot_share, NUM, "", HIGHER, "mm", TRUST,                                          \
      "share of the answers that TPOT comes from")                                       \
    X(tpot_requests, INT, "", NEITHER, "mm", COUNT, "answers that TPOT comes from")      \
    X(connect_p50_s, NUM, "s", LOWER, "-M", TRUST, "connecting, median")                 \
    X(connect_max_s, NUM, "s", LOWER, "-M", TRUST, "connecting, longest")                \
    X(tls_p50_s, NUM, "s", LOWER, "-M", TRUST, "TLS handshake, median")                  \
    X(tls_max_s, NUM, "s", LOWER, "-M", TRUST, "TLS handshake, longest")                 \
    X(connections_new, INT, "", NEITHER, "-M", COUNT, "connections opened")              \
    X(connections_reused, INT, "", NEITHER, "-M", COUNT, "requests on an open one")      \
    X(stamps_exact, INT, "", NEITHER, "mM", TRUST, "exact arrival stamps")               \
    X(stamps_bounded, INT, "", NEITHER, "mM", TRUST, "stamps that are an upper bound")   \
    X(stamps_tail, INT, "", NEITHER, "mM", TRUST, "stamps read with the stream's end")   \
    X(token_source, STR, "", NEITHER, "mM", TRUST,                                       \
      "engine, usage, token_ids, estimated")                                             \
    X(token_events, STR, "", NEITHER, "-m", TRUST, "which events were tokens")           \
    X(token_differences, JSON, "", NEITHER, "-m", TRUST,                                 \
      "events with text less tokens, counted, if nothing fits")                          \
    X(requests_unsettled, INT, "", NEITHER, "-M", COUNT,                                 \
      "answers whose events and tokens do not fit")                                      \
    X(stamp_late_p99_ms, NUM, "ms", LOWER, "mM", TRUST, "user minus kernel stamp")       \
    X(read_interval_p50_s, NUM, "s", NEITHER, "-M", TRUST,                               \
      "time between reads of an answer, median")                                         \
    X(clock_error_us, NUM, "us", LOWER, "-m", TRUST,                                     \
      "error of a rank's clock against rank 0's, at most")                               \
    X(clock_steps, INT, "", LOWER, "mM", TRUST, "times that the wall clock was set")

#define FIELD_LIST_WORLD(X)                                                              \
    X(cached_input_tokens, INT, "tokens", HIGHER, "mm", METRIC,                          \
      "prompt tokens not computed")                                                      \
    X(cache_hit_rate_expected, NUM, "", NEITHER, "mm", TRUST, "what the prompts allow")  \
    X(cache_source, STR, "", NEITHER, "mm", TRUST, "who counted the hits")               \
    X(load_time_s, NUM, "s", LOWER, "mm", METRIC, "loading the engine")                  \
    X(download_time_s, NUM, "s", LOWER, "mm", METRIC, "downloading the model")           \
    X(compile_time_s, NUM, "s", LOWER, "mm", METRIC, "compiling")                        \
    X(preemptions, INT, "", LOWER, "mm", METRIC, "requests preempted")                   \
    X(kv_usage_max, NUM, "", NEITHER, "mm", METRIC, "highest use of the KV cache, 0..1") \
    X(kv_usage, JSON, "", NEITHER, "-m", METRIC,                                         \
      "samples of that use: seconds since the epoch, 0..1")                              \
    X(weights_mb, NUM, "MB", NEITHER, "mm", METRIC, "memory of the weights")             \
    X(kv_cache_mb, NUM, "MB", NEITHER, "mm", METRIC, "memory of the KV cache")           \
    X(cpu_user_s, NUM, "s", NEITHER, "MM", TRUST, "CPU of the machine in user mode")     \
    X(cpu_system_s, NUM, "s", NEITHER, "MM", TRUST, "CPU of the machine in the kernel")  \
    X(steal_ratio, NUM, "", LOWER, "MM", TRUST, "CPU time stolen by other guests")       \
    X(throttled_s, NUM, "s", LOWER, "MM", TRUST, "throttled by the cgroup")              \
    X(power_mean_w, NUM, "W", LOWER, "mm", METRIC, "mean power of the devices")          \
    X(energy_j, NUM, "J", LOWER, "mm", METRIC, "energy of the devices")                  \
    X(joules_per_output_token, NUM, "J", LOWER, "mm", METRIC,                            \
      "that energy by the output tokens of the repeat")                                  \
    X(client_cpu_ratio, NUM, "", LOWER, "mM", TRUST, "client's CPU, of one core")        \
    X(client_busy_share, NUM, "", LOWER, "mM", TRUST, "share of busy windows")           \
    X(client_busy_rank, INT, "", NEITHER, "-m", TRUST, "rank with most busy windows")    \
    X(client_busy_windows, INT, "", LOWER, "mM", TRUST, "windows above 80 % of a core")  \
    X(loop_lag_p99_s, NUM, "s", LOWER, "mM", TRUST, "lateness of the client's loop")     \
    X(core_wait_mean_s, NUM, "s", LOWER, "-m", TRUST,                                    \
      "client's wait for a core, each time")                                             \
    X(client_rss_mb, NUM, "MB", LOWER, "mM", TRUST, "client's memory")                   \
    X(drain_interval_us, NUM, "us", NEITHER, "mM", TRUST, "pause between reads")         \
    X(inflight_middle, NUM, "", NEITHER, "mM", TRUST, "in flight, mean of middle third") \
    X(inflight_last, NUM, "", NEITHER, "mM", TRUST, "in flight, mean of last third")     \
    X(inflight_end, NUM, "", NEITHER, "-m", TRUST, "in flight, mean of the last tenth")  \
    X(inflight_expected, NUM, "", NEITHER, "-m", TRUST,                                  \
      "in flight, as early answers and the rate give")                                   \
    X(e2e_early_s, NUM, "s", NEITHER, "-M", TRUST,                                       \
      "E2E latency that the window is made from")                                        \
    X(settle_s, NUM, "s", NEITHER, "-m", TRUST,                                          \
      "time that an open load needs until it is steady")                                 \
    X(steady_s, NUM, "s", NEITHER, "mm", TRUST, "steady part that is judged")            \
    X(slots_lost_share, NUM, "", LOWER, "-m", TRUST,                                     \
      "slots' time that requests without an answer took")                                \
    X(send_stretch_s, NUM, "s", NEITHER, "mM", TRUST, "last send beyond the plan")       \
    X(requests_held, INT, "", NEITHER, "mM", COUNT, "held back by --max-concurrency")    \
    X(requests_resent, INT, "", LOWER, "-m", COUNT, "sent again on a new connection")    \
    X(events_skipped, INT, "", NEITHER, "-m", TRUST, "pings and others without content") \
    X(answers_unended, INT, "", LOWER, "-m", TRUST,                                      \
      "answers that said [DONE] and then neither ended nor closed")                      \
    X(answered_by, JSON, "", NEITHER, "-m", TRUST,                                       \
      "models and backends that answered, counted")                                      \
    X(requests_elsewhere, INT, "", LOWER, "-m", COUNT,                                   \
      "answers of another model or backend")                                             \
    X(requests_wrong_length, INT, "", NEITHER, "mM", COUNT, "answers of another length") \
    X(distributions, JSON, "", NEITHER, "mm", METRIC,                                    \
      "latencies in few points, to be pooled and drawn")                                 \
    X(timeline, JSON, "", NEITHER, "mm", METRIC,                                         \
      "tokens/s and requests in flight over the repeat")                                 \
    X(price_usd_per_hour, NUM, "USD/h", LOWER, "mm", IDENTITY, "price of the machine")   \
    X(price_source, STR, "", NEITHER, "mm", IDENTITY, "where the price comes from")      \
    X(usd_per_million_output_tokens, NUM, "USD", LOWER, "mm", SUMMARISED,                \
      "cost of the output")                                                              \
    X(usd_per_million_tokens, NUM, "USD", LOWER, "mm", SUMMARISED,                       \
      "the same cost by input and output tokens")                                        \
    X(verdict, STR, "", NEITHER, "mm", TRUST, "VALID, INVALID, INCONCLUSIVE")            \
    X(reasons, FINDINGS, "", NEITHER, "MM", TRUST, "codes that take VALID away")         \
    X(warnings, FINDINGS, "", NEITHER, "MM", TRUST, "codes that leave it VALID")         \
    X(checks, FINDINGS, "", NEITHER, "MM", TRUST, "rules with field, value and limit")

#define FIELD_LIST(X) \
    FIELD_LIST_OLD(X) FIELD_LIST_CELL(X) FIELD_LIST_LOAD(X) FIELD_LIST_WORLD(X)

#endif
