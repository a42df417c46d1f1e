/* The rows of the table of rules, as the docs print them: what makes a row INVALID first,
 * then what leaves it open, then warnings; rules of rows before those of cells.
 *
 * X(code, kind, scope, field, limit, judge, help)
 *
 *   scope  ROW, or CELL: judged in the summary only
 *   field  what it reads first, FIELD_COUNT if no single field
 *   limit  default; --limit CODE=VALUE replaces it; NAN if it has none
 *   judge  verdict_<judge>, in the file of that name's beginning
 */
#ifndef STATS_VERDICT_LIST_H
#define STATS_VERDICT_LIST_H

#define VERDICT_LIST(X)                                                                  \
    X(ERRORS, INVALID, ROW, FIELD_requests_failed, 0.001, load_errors,                   \
      "too many requests failed or stayed unanswered")                                   \
    X(SHORT_OUTPUT, INVALID, ROW, FIELD_requests_wrong_length, 0, load_short_output,     \
      "lengths were fixed, but answers had a different number of tokens")                \
    X(CLIENT_LATE, INVALID, ROW, FIELD_send_late_share, 0.01, load_client_late,          \
      "the client sent requests late: use a faster machine or fewer streams")            \
    X(CLIENT_BUSY, INVALID, ROW, FIELD_client_busy_share, 0.05, load_client_busy,        \
      "a client thread was above 80 % of its core for too long")                         \
    X(RATE_MISSED, INVALID, ROW, FIELD_send_stretch_s, 0.01, load_rate_missed,           \
      "the client could not keep the rate")                                              \
    X(OVERLOADED, INVALID, ROW, FIELD_inflight_last, 0.2, overload_judge,                \
      "requests in flight kept growing: the server cannot keep this rate")               \
    X(CACHE_UNEXPECTED, INVALID, ROW, FIELD_cached_input_tokens, NAN,                    \
      engine_cache_unexpected,                                                           \
      "prefix-cache hits differ from what the prompts allow, cache not full")            \
    X(TOKENS_ESTIMATED, INVALID, ROW, FIELD_token_source, NAN, tokens_estimated,         \
      "no token counts from engine or server")                                           \
    X(ANSWERS_BUFFERED, INVALID, ROW, FIELD_stamps_bounded, 0.5, tokens_buffered,        \
      "answers were held back between server and client, so the instants of tokens "     \
      "are not the server's; on nginx set proxy_buffering off, on haproxy option "       \
      "http-no-delay")                                                                   \
    X(SHORT_RUN, INCONCLUSIVE, ROW, FIELD_steady_s, NAN, overload_short_run,             \
      "the load was too short for a steady part, or to tell whether the server "         \
      "keeps up")                                                                        \
    X(CLOCK_UNSURE, INCONCLUSIVE, ROW, FIELD_clock_error_us, 0.01, load_clock_unsure,    \
      "the clocks of the client machines could not be compared well enough")             \
    X(TOKENS_UNDERCOUNTED, INCONCLUSIVE, ROW, FIELD_actual_output_tokens, 0.01,          \
      tokens_undercounted,                                                               \
      "more pieces of text than tokens: the server counts too few, or something on the " \
      "way cuts texts up; compare one answer with the server's own log")                 \
    X(CACHE_EVICTED, WARNING, ROW, FIELD_cached_input_tokens, NAN, engine_cache_evicted, \
      "fewer hits than the prompts allow; the KV cache was full or had preemptions")     \
    X(CACHE_UNKNOWN, WARNING, ROW, FIELD_cache_hit_rate, NAN, engine_cache_unknown,      \
      "prefix caching is on and the engine does not report hits")                        \
    X(RATE_CAPPED, WARNING, ROW, FIELD_requests_held, 0, load_rate_capped,               \
      "--max-concurrency held requests back")                                            \
    X(RESENT, WARNING, ROW, FIELD_requests_resent, 0.01, load_resent,                    \
      "the server closed connections under requests, which were sent again on new "      \
      "ones: their latency counts both ways; --no-keepalive avoids it")                  \
    X(OTHER_MODEL, WARNING, ROW, FIELD_requests_elsewhere, 0, load_other_model,          \
      "another model than asked for has answered, or several backends of a gateway: "    \
      "the numbers are theirs (answered_by)")                                            \
    X(STAMPS_BOUNDED, WARNING, ROW, FIELD_stamps_bounded, 0.01, tokens_bounded,          \
      "many arrival stamps are only upper bounds")                                       \
    X(TOKENS_PER_EVENT_UNKNOWN, WARNING, ROW, FIELD_requests_unsettled, NAN,             \
      tokens_unknown,                                                                    \
      "events and tokens do not fit, so gaps between tokens are unknown; "               \
      "--token-counts continuous has the server count each event")                       \
    X(PARTIAL_TTFT, WARNING, ROW, FIELD_ttft_share, 0.95, tokens_partial_ttft,           \
      "too few answers have a known first token: TTFT is null")                          \
    X(PARTIAL_ITL, WARNING, ROW, FIELD_itl_share, 0.95, tokens_partial_itl,              \
      "too few answers have known gaps: ITL is null")                                    \
    X(PARTIAL_TPOT, WARNING, ROW, FIELD_tpot_share, 0.95, tokens_partial_tpot,           \
      "too few answers have a known time per token: TPOT is null")                       \
    X(MACHINE_NOISY, WARNING, ROW, FIELD_steal_ratio, 0.02, engine_noisy,                \
      "other guests took CPU time, or the cgroup was throttled")                         \
    X(PREEMPTED, WARNING, ROW, FIELD_preemptions, 0, engine_preempted,                   \
      "the engine preempted requests: the KV cache is small")                            \
    X(SIMULATED, WARNING, ROW, FIELD_is_simulated, NAN, engine_simulated,                \
      "not real hardware")                                                               \
    X(DUMMY_WEIGHTS, WARNING, ROW, FIELD_weights, NAN, engine_dummy,                     \
      "random weights: the speed of a dense model is real, its text is not")             \
    X(UNREPEATABLE, WARNING, CELL, FIELD_tokens_per_second, 0.05, repeats_unrepeatable,  \
      "the repeats differ too much to be trusted")                                       \
    X(TREND, WARNING, CELL, FIELD_tokens_per_second, 0.02, repeats_trend,                \
      "throughput drifts over the repeats (p < 0.01)")                                   \
    X(TARGET_MISSED, WARNING, CELL, FIELD_stein_n, NAN, repeats_target,                  \
      "fewer repeats or launches than --target-ci takes: a wider interval")              \
    X(FEW_REPEATS, WARNING, CELL, FIELD_COUNT, 2, repeats_few,                           \
      "too few measured repeats to know the spread")                                     \
    X(FEW_SAMPLES, WARNING, CELL, FIELD_COUNT, NAN, repeats_few_samples,                 \
      "a requested percentile is not reported: too few samples")

#endif
