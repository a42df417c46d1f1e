#include "run/selftest_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/width.h"

#define COLUMNS     80
#define CELL_BYTES  48
#define MANY_US     1e5
#define LOAD_A_CORE 0.25 /* other work that is worth saying */

/* 20,000; whole numbers with their thousands apart. */
static const char *count_text(double value, char out[CELL_BYTES])
{
    char digits[CELL_BYTES];
    size_t len, to = 0;
    (void)snprintf(digits, sizeof digits, "%.0f", value);
    len = strlen(digits);
    for (size_t i = 0; i < len && to < CELL_BYTES - 2; i++) {
        if (i > 0 && (len - i) % 3 == 0 && len < 20)
            out[to++] = ',';
        out[to++] = digits[i];
    }
    out[to] = '\0';
    return out;
}

/* us with one decimal below 100, whole ms from 100,000 us on; "-" where unknown. */
static const char *us_text(double us, char out[CELL_BYTES])
{
    if (isnan(us))
        (void)snprintf(out, CELL_BYTES, "-");
    else if (fabs(us) >= MANY_US)
        (void)snprintf(out, CELL_BYTES, "%.0fms", us / 1e3);
    else if (fabs(us) < 99.95)
        (void)snprintf(out, CELL_BYTES, "%.1f", us);
    else
        (void)count_text(round(us), out);
    return out;
}

static const char *signed_us(double us, char out[CELL_BYTES])
{
    if (isnan(us))
        (void)snprintf(out, CELL_BYTES, "-");
    else if (fabs(us) >= MANY_US)
        (void)snprintf(out, CELL_BYTES, "%+.0fms", us / 1e3);
    else
        (void)snprintf(out, CELL_BYTES, fabs(us) < 99.95 ? "%+.1f" : "%+.0f", us);
    return out;
}

static const char *share_text(int64_t part, int64_t whole, char out[CELL_BYTES])
{
    if (whole == 0)
        (void)snprintf(out, CELL_BYTES, "-");
    else
        (void)snprintf(out, CELL_BYTES, "%.2f%%", 100.0 * (double)part / (double)whole);
    return out;
}

static void put(struct buf *out, const char *text, int columns)
{
    (void)width_pad(out, text, -columns);
}

/* --- the parts of the page */

/* Other work ran here in the minute before. */
static bool is_loaded(const struct selftest_result *s)
{
    double cores = s->cores.usable > 0 ? (double)s->cores.usable : 1;
    return s->load_before >= LOAD_A_CORE * cores;
}

static void put_machine(const struct selftest_report *r, struct buf *out)
{
    const struct selftest_result *s = r->result;
    char client[SELFTEST_CORES_BYTES], server[SELFTEST_CORES_BYTES];
    struct buf line;
    buf_init(&line, 4096);
    selftest_cores_text(&s->cores.client, client);
    selftest_cores_text(&s->cores.server, server);
    (void)buf_printf(&line, "%s, %lld %s usable (",
                     r->cpu->model != NULL ? r->cpu->model : "CPU unknown",
                     (long long)s->cores.usable, s->cores.usable == 1 ? "core" : "cores");
    if (s->cores.server_core < 0)
        (void)buf_text(&line, "client and server together");
    else
        (void)buf_printf(&line, "client %s, server %s", client, server);
    (void)buf_printf(&line, "); %s %s, clock %s",
                     r->machine->system != NULL ? r->machine->system : "?",
                     r->machine->kernel != NULL ? r->machine->kernel : "",
                     r->machine->clocksource != NULL ? r->machine->clocksource : "?");
    if (is_loaded(s))
        (void)buf_printf(&line, "; the machine was busy (load %.1f before the start)",
                         s->load_before);
    if (s->steal_ratio > 0.001)
        (void)buf_printf(&line, "; %.1f%% of the CPU stolen by other guests",
                         100 * s->steal_ratio);
    (void)buf_text(out,
                   "inferbench selftest: inferbench client against inferbench serve\n  ");
    (void)width_wrap(out, buf_cstr(&line), 2, 2, COLUMNS);
    buf_fini(&line);
}

static void put_stamps(const struct selftest_point *p, struct buf *out)
{
    char text[CELL_BYTES];
    put(out, count_text(p->load.rate, text), 9);
    put(out, count_text((double)p->load.streams, text), 8);
    put(out, us_text(p->exact_us.p50, text), 7);
    put(out, us_text(p->exact_us.p99, text), 7);
    put(out, us_text(p->exact_us.p999, text), 7);
    put(out, us_text(p->tail_us.p50, text), 10);
    put(out, share_text(p->exact, p->events, text), 9);
    put(out, share_text(p->bounded, p->events, text), 9);
    put(out, share_text(p->tail, p->events, text), 7);
    put(out, us_text(p->cpu_us_per_event, text), 7);
    (void)buf_char(out, '\n');
}

static void put_latencies(const struct selftest_point *p, struct buf *out)
{
    char text[CELL_BYTES];
    put(out, count_text(p->load.rate, text), 9);
    put(out, signed_us(p->ttft_us.ours.p50 - p->ttft_us.truth.p50, text), 15);
    put(out, signed_us(p->ttft_us.ours.p90 - p->ttft_us.truth.p90, text), 8);
    put(out, signed_us(p->ttft_us.ours.p99 - p->ttft_us.truth.p99, text), 8);
    put(out, signed_us(p->itl_us.ours.p50 - p->itl_us.truth.p50, text), 15);
    put(out, signed_us(p->itl_us.ours.p90 - p->itl_us.truth.p90, text), 8);
    put(out, signed_us(p->itl_us.ours.p99 - p->itl_us.truth.p99, text), 8);
    (void)buf_char(out, '\n');
}

static void put_send(const struct selftest_point *p, struct buf *out)
{
    char text[CELL_BYTES];
    put(out, count_text(p->load.rate, text), 10);
    put(out, count_text((double)p->requests_ok, text), 7);
    put(out, us_text(p->send_late_us.p50, text), 8);
    put(out, us_text(p->send_late_us.p99, text), 8);
    put(out, us_text(p->send_late_us.max, text), 8);
    put(out, signed_us(p->ttft_due_us.ours.p50 - p->ttft_due_us.truth.p50, text), 15);
    put(out, signed_us(p->ttft_due_us.ours.p99 - p->ttft_due_us.truth.p99, text), 10);
    (void)buf_char(out, '\n');
}

void selftest_report_why(const struct selftest_search *s,
                         char out[SELFTEST_REPORT_WHY_BYTES])
{
    char count[CELL_BYTES], codes[128] = "";
    size_t len = 0;
    if (!s->has_broken) {
        (void)snprintf(out, SELFTEST_REPORT_WHY_BYTES,
                       "no limit was reached: the highest rate tried");
        return;
    }
    for (size_t i = 0; i < s->broke.count && len < sizeof codes - 32; i++)
        len += (size_t)snprintf(codes + len, sizeof codes - len, "%s%s",
                                i > 0 ? ", " : "",
                                selftest_judge_limits[s->broke.items[i].limit].code);
    (void)snprintf(out, SELFTEST_REPORT_WHY_BYTES, "at %s events/s: %s%s",
                   count_text(s->broke_eps, count), codes,
                   selftest_judge_is_client(&s->broke, 0)
                       ? ""
                       : " (limited by the server; the client can do more)");
}

static void put_number(struct buf *out, double value, const char *unit)
{
    char text[CELL_BYTES];
    if (strcmp(unit, "share") == 0)
        (void)buf_printf(out, "%.1f%%", 100 * value);
    else if (strcmp(unit, "us") == 0)
        (void)buf_printf(out, "%s%s", us_text(value, text),
                         fabs(value) >= MANY_US ? "" : " us");
    else
        (void)buf_printf(out, "%s %s", count_text(value, text), unit);
}

static void put_reason(const struct selftest_reason *r, struct buf *out)
{
    char count[CELL_BYTES];
    const char *unit = selftest_judge_limits[r->limit].unit;
    (void)buf_printf(out, "%s", selftest_judge_limits[r->limit].code);
    if (!isnan(r->at))
        (void)buf_printf(out, " at %s %s", count_text(r->at, count),
                         r->is_open ? "requests/s" : "events/s");
    (void)buf_printf(out, ": %s", selftest_judge_limits[r->limit].text);
    if (unit[0] != '\0') {
        (void)buf_text(out, ": ");
        put_number(out, r->value, unit);
        (void)buf_text(out, ", limit ");
        put_number(out, selftest_judge_limits[r->limit].limit, unit);
    }
}

static void put_wrapped(struct buf *out, const char *mark, const char *text)
{
    (void)buf_text(out, mark);
    (void)width_wrap(out, text, 2, 2, COLUMNS);
}

static void put_reasons(const struct selftest_reasons *r, struct buf *out)
{
    struct buf line;
    buf_init(&line, 4096);
    for (size_t i = 0; i < r->count; i++) {
        buf_clear(&line);
        put_reason(&r->items[i], &line);
        put_wrapped(out, "- ", buf_cstr(&line));
    }
    buf_fini(&line);
}

static void put_search(const struct selftest_search *s, struct buf *out)
{
    char count[CELL_BYTES], why[SELFTEST_REPORT_WHY_BYTES];
    struct buf line;
    buf_init(&line, 4096);
    selftest_report_why(s, why);
    (void)buf_text(out, "\nHighest rate within the limits\n");
    if (isnan(s->highest_eps))
        (void)buf_printf(&line, "none of those tried; %s", why);
    else
        (void)buf_printf(&line, "%s events/s; %s", count_text(s->highest_eps, count),
                         why);
    put_wrapped(out, "", buf_cstr(&line));
    buf_fini(&line);
    if (s->count > 0) /* else they are among those of the machine */
        put_reasons(&s->broke, out);
}

static void put_memory(const struct selftest_memory *m, struct buf *out)
{
    char count[CELL_BYTES];
    (void)buf_printf(out,
                     "\nMemory\n  %.1f kB a stream of %lld tokens (%.1f MB at %lld "
                     "streams, %.1f MB at %s)\n",
                     m->bytes_per_stream / 1e3, (long long)m->tokens, m->rss_mb[0],
                     (long long)m->streams[0], m->rss_mb[1],
                     count_text((double)m->streams[1], count));
}

static void put_verdict(const struct selftest_result *s, struct buf *out)
{
    const struct selftest_reasons *r = &s->reasons;
    (void)buf_text(out, r->count == 0
                            ? "\nThis machine meets the default limits.\n"
                            : "\nThis machine does not meet the default limits:\n");
    put_reasons(r, out);
    if (r->count > 0 && is_loaded(s))
        (void)buf_text(out, "The machine was busy: an idle one may do better.\n");
}

void selftest_report_text(const struct selftest_report *r, struct buf *out)
{
    const struct selftest_result *s = r->result;
    put_machine(r, out);
    (void)buf_text(out, "\nArrival stamps: the client's minus the server's own, taken "
                        "before the send, us\n"
                        " events/s streams    p50    p99  p99.9  tail p50    exact  "
                        "bounded   tail CPU us\n");
    for (size_t i = 0; i < s->rate_count; i++)
        put_stamps(&s->rates[i], out);
    (void)buf_text(out, "\nPercentiles: the client's minus the true ones, us\n"
                        " events/s       TTFT p50     p90     p99        ITL p50     p90"
                        "     p99\n");
    for (size_t i = 0; i < s->rate_count; i++)
        put_latencies(&s->rates[i], out);
    put_search(&s->search, out);
    (void)buf_text(out, "\nSends after they were due (Poisson), us\n"
                        "requests/s  sends     p50     p99     max   TTFT: p50 off"
                        "   p99 off\n");
    for (size_t i = 0; i < SELFTEST_SENDS; i++)
        put_send(&s->sends[i], out);
    put_memory(&s->memory, out);
    (void)buf_char(out, '\n');
    (void)width_wrap(out, SELFTEST_REPORT_LOOPBACK, 0, 0, COLUMNS);
    put_verdict(s, out);
}
