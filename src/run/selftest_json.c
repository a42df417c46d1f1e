#include "run/selftest_json.h"

#include <math.h>

#include "text/jsonw.h"

#define FORMAT_VERSION 1

static void put_spread(struct jsonw *w, const char *key, const struct selftest_spread *s)
{
    jsonw_object(w, key);
    jsonw_int(w, "count", (int64_t)s->count);
    jsonw_num(w, "min", s->min);
    jsonw_num(w, "p50", s->p50);
    jsonw_num(w, "p90", s->p90);
    jsonw_num(w, "p99", s->p99);
    jsonw_num(w, "p99_9", s->p999);
    jsonw_num(w, "max", s->max);
    jsonw_object_end(w);
}

static void put_pair(struct jsonw *w, const char *key, const struct selftest_pair *p)
{
    jsonw_object(w, key);
    put_spread(w, "client", &p->ours);
    put_spread(w, "truth", &p->truth);
    jsonw_object(w, "error");
    jsonw_num(w, "p50", p->ours.p50 - p->truth.p50);
    jsonw_num(w, "p90", p->ours.p90 - p->truth.p90);
    jsonw_num(w, "p99", p->ours.p99 - p->truth.p99);
    jsonw_object_end(w);
    jsonw_object_end(w);
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : (double)NAN;
}

static void put_load(struct jsonw *w, const struct selftest_point *p)
{
    const struct selftest_load *l = &p->load;
    jsonw_num(w, l->is_open ? "requests_per_second" : "events_per_second", l->rate);
    if (!l->is_open)
        jsonw_int(w, "streams", l->streams);
    jsonw_int(w, "requests", l->requests);
    jsonw_int(w, "tokens", l->tokens);
    jsonw_int(w, "ttft_ns", l->ttft_ns);
    jsonw_int(w, "itl_ns", l->itl_ns);
    jsonw_num(w, "jitter", l->jitter);
    jsonw_int(w, "tries", p->tries);
    jsonw_int(w, "requests_ok", p->requests_ok);
    jsonw_int(w, "requests_failed", p->requests_failed);
    jsonw_int(w, "requests_unmatched", p->unmatched);
    jsonw_str(w, "first_error", p->first_error[0] != '\0' ? p->first_error : NULL);
}

static void put_client(struct jsonw *w, const struct selftest_point *p)
{
    jsonw_num(w, "cpu_us_per_event", p->cpu_us_per_event);
    jsonw_num(w, "client_busy_share", p->busy_share);
    jsonw_int(w, "client_busy_windows", p->busy_windows);
    jsonw_num(w, "loop_lag_p99_us", p->loop_lag_p99_us);
}

static void put_stamps(struct jsonw *w, const struct selftest_point *p)
{
    jsonw_object(w, NULL);
    put_load(w, p);
    jsonw_num(w, "achieved_events_per_second", p->achieved_eps);
    jsonw_int(w, "events", p->events);
    jsonw_num(w, "exact_share", share(p->exact, p->events));
    jsonw_num(w, "bounded_share", share(p->bounded, p->events));
    jsonw_num(w, "tail_share", share(p->tail, p->events));
    put_spread(w, "stamp_error_us", &p->error_us);
    put_spread(w, "stamp_error_exact_us", &p->exact_us);
    put_spread(w, "stamp_error_tail_us", &p->tail_us);
    put_pair(w, "ttft_us", &p->ttft_us);
    put_pair(w, "itl_us", &p->itl_us);
    put_spread(w, "request_to_server_us", &p->to_server_us);
    put_spread(w, "server_late_us", &p->server_late_us);
    put_client(w, p);
    jsonw_object_end(w);
}

static void put_sends(struct jsonw *w, const struct selftest_point *p)
{
    jsonw_object(w, NULL);
    put_load(w, p);
    put_spread(w, "send_late_us", &p->send_late_us);
    put_spread(w, "request_to_server_us", &p->to_server_us);
    put_pair(w, "ttft_from_due_us", &p->ttft_due_us);
    put_client(w, p);
    jsonw_object_end(w);
}

static void put_reasons(struct jsonw *w, const char *key,
                        const struct selftest_reasons *r)
{
    jsonw_array(w, key);
    for (size_t i = 0; i < r->count; i++) {
        const struct selftest_reason *one = &r->items[i];
        jsonw_object(w, NULL);
        jsonw_str(w, "code", selftest_judge_limits[one->limit].code);
        jsonw_num(w, "value", one->value);
        jsonw_num(w, "limit", selftest_judge_limits[one->limit].limit);
        jsonw_str(w, "unit", selftest_judge_limits[one->limit].unit);
        jsonw_num(w, "at", one->at);
        jsonw_str(w, "at_unit",
                  isnan(one->at) ? NULL : (one->is_open ? "requests/s" : "events/s"));
        jsonw_str(w, "what", selftest_judge_limits[one->limit].text);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

static void put_machine(struct jsonw *w, const struct selftest_report *r)
{
    const struct selftest_result *s = r->result;
    char cores[SELFTEST_CORES_BYTES];
    jsonw_object(w, "machine");
    jsonw_str(w, "cpu", r->cpu->model);
    jsonw_int(w, "threads", r->cpu->threads);
    jsonw_int(w, "usable_cores", s->cores.usable);
    selftest_cores_text(&s->cores.client, cores);
    jsonw_str(w, "client_cores", cores);
    selftest_cores_text(&s->cores.server, cores);
    jsonw_str(w, "server_cores", cores);
    jsonw_str(w, "system", r->machine->system);
    jsonw_str(w, "kernel", r->machine->kernel);
    jsonw_str(w, "os", r->machine->os);
    jsonw_str(w, "container", r->machine->container);
    jsonw_str(w, "vendor", r->machine->vendor);
    jsonw_str(w, "product", r->machine->product);
    jsonw_str(w, "clocksource", r->machine->clocksource);
    jsonw_bool(w, "has_receive_stamps", s->machine.has_stamps);
    jsonw_num(w, "clock_width_us", s->machine.clock_width_us);
    jsonw_num(w, "load_before", s->load_before);
    jsonw_num(w, "steal_ratio", s->steal_ratio);
    jsonw_num(w, "throttled_s", s->throttled_s);
    jsonw_object_end(w);
}

static void put_search(struct jsonw *w, const struct selftest_search *s)
{
    char why[SELFTEST_REPORT_WHY_BYTES];
    selftest_report_why(s, why);
    jsonw_object(w, "highest");
    jsonw_num(w, "events_per_second", s->highest_eps);
    jsonw_num(w, "broke_at_events_per_second",
              s->has_broken ? s->broke_eps : (double)NAN);
    jsonw_str(w, "why", why);
    put_reasons(w, "reasons", &s->broke);
    jsonw_array(w, "steps");
    for (size_t i = 0; i < s->count; i++)
        put_stamps(w, &s->steps[i]);
    jsonw_array_end(w);
    jsonw_object_end(w);
}

static void put_memory(struct jsonw *w, const struct selftest_memory *m)
{
    jsonw_object(w, "memory");
    jsonw_int(w, "tokens", m->tokens);
    jsonw_array(w, "streams");
    for (int i = 0; i < 2; i++)
        jsonw_int(w, NULL, m->streams[i]);
    jsonw_array_end(w);
    jsonw_array(w, "rss_mb");
    for (int i = 0; i < 2; i++)
        jsonw_num(w, NULL, m->rss_mb[i]);
    jsonw_array_end(w);
    jsonw_num(w, "bytes_per_stream", m->bytes_per_stream);
    jsonw_object_end(w);
}

static void put_limits(struct jsonw *w)
{
    jsonw_object(w, "limits");
    for (int l = 0; l < SELFTEST_LIMIT_COUNT; l++)
        jsonw_num(w, selftest_judge_limits[(enum selftest_limit)l].code,
                  selftest_judge_limits[(enum selftest_limit)l].limit);
    jsonw_object_end(w);
}

void selftest_json_write(const struct selftest_report *r, struct buf *out)
{
    const struct selftest_result *s = r->result;
    struct jsonw w;
    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "selftest", FORMAT_VERSION);
    jsonw_str(&w, "tool", r->tool);
    jsonw_str(&w, "started", r->started);
    jsonw_num(&w, "duration_s", s->duration_s);
    jsonw_bool(&w, "quick", r->is_quick);
    jsonw_bool(&w, "holds_defaults", s->reasons.count == 0);
    put_reasons(&w, "reasons", &s->reasons);
    put_machine(&w, r);
    jsonw_array(&w, "stamps");
    for (size_t i = 0; i < s->rate_count; i++)
        put_stamps(&w, &s->rates[i]);
    jsonw_array_end(&w);
    put_search(&w, &s->search);
    jsonw_array(&w, "sends");
    for (size_t i = 0; i < SELFTEST_SENDS; i++)
        put_sends(&w, &s->sends[i]);
    jsonw_array_end(&w);
    put_memory(&w, &s->memory);
    put_limits(&w);
    jsonw_str(&w, "loopback", SELFTEST_REPORT_LOOPBACK);
    jsonw_object_end(&w);
    (void)buf_char(out, '\n');
}
