#include "probe/imds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/rest.h"

#define ENDPOINT     "http://169.254.169.254"
#define BUDGET_S     1.0
#define ANSWER_BYTES 1024 /* tokens have 56 characters, values fewer */

struct session {
    struct arena *arena;
    struct instant deadline;
    const char *endpoint; /* without a slash at its end */
};

bool imds_is_type(const char *text)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t family = strspn(text, allowed);
    if (family == 0 || text[family] != '.')
        return false;
    size_t size = strspn(text + family + 1, allowed);
    return size > 0 && text[family + 1 + size] == '\0';
}

/* One request, with one header. The HTTP status, 0 without an answer in time; *text: the
 * answer, or NULL. */
static int request(const struct session *s, const char *method, const char *path,
                   const char *header, const char **text)
{
    struct rest *rest = NULL;
    struct err ignored;
    double left_s = clock_to_s(clock_between(clock_now(), s->deadline));
    const struct rest_options o = {.headers = {&header, 1},
                                   .is_direct = true,
                                   .timeout_s = left_s,
                                   .body_cap_bytes = ANSWER_BYTES};
    struct rest_call c = {.method = method,
                          .url = arena_printf(s->arena, "%s%s", s->endpoint, path)};
    *text = NULL;
    if (!(left_s > 0) || c.url == NULL || rest_open(&o, &rest, &ignored) != STATUS_OK)
        return 0;
    buf_init(&c.body, ANSWER_BYTES);
    if (rest_do(rest, &c, &ignored) == STATUS_OK)
        *text = arena_strdup(s->arena, buf_cstr(&c.body));
    buf_fini(&c.body);
    rest_close(rest);
    return *text != NULL ? c.status : 0;
}

/* A token is printable and one word; HTML of another cloud is not. */
static bool is_token(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c) || *c == '<')
            return false;
    return text[0] != '\0';
}

static const char *why_refused(int http_status)
{
    switch (http_status) {
    case 400: return "the metadata service answered 400 (bad request)";
    case 401: return "the metadata service answered 401 (token not accepted)";
    case 403: return "the metadata service is switched off (403)";
    case 404: return "there is no metadata service (404)";
    default: return "the metadata service did not give a token";
    }
}

/* The header that shows our token; NULL: none was given. */
static const char *get_token(const struct session *s, struct imds_facts *out)
{
    const char *token;
    int status = request(s, "PUT", "/latest/api/token",
                         "X-aws-ec2-metadata-token-ttl-seconds: 21600", &token);
    if (status == 0)
        out->problem = "the metadata service did not answer within 1 s (in a container: "
                       "is its hop limit 1?)";
    else if (status != 200)
        out->problem = why_refused(status);
    else if (!is_token(token))
        out->problem = "the answer is not from the EC2 metadata service";
    else
        return arena_printf(s->arena, "X-aws-ec2-metadata-token: %s", token);
    return NULL;
}

/* A value: one short line without blanks or markup; NULL where it is anything else. */
static const char *get_value(const struct session *s, const char *header, const char *key,
                             int *status)
{
    char path[128];
    const char *text;
    snprintf(path, sizeof path, "/latest/meta-data/%s", key);
    *status = request(s, "GET", path, header, &text);
    return *status == 200 && is_token(text) && strlen(text) <= 64 ? text : NULL;
}

static void get_values(const struct session *s, const char *header,
                       struct imds_facts *out)
{
    int status;
    out->type = get_value(s, header, "instance-type", &status);
    if (out->type == NULL || !imds_is_type(out->type)) {
        out->problem = status == 200 ? "the answer is not from the EC2 metadata service"
                                     : why_refused(status);
        out->type = NULL;
        return;
    }
    out->region = get_value(s, header, "placement/region", &status);
    out->zone = get_value(s, header, "placement/availability-zone", &status);
    out->ami_id = get_value(s, header, "ami-id", &status);
    out->life_cycle = get_value(s, header, "instance-life-cycle", &status);
}

void imds_ask(struct arena *a, struct imds_facts *out)
{
    struct session s = {.arena = a,
                        .deadline = clock_after(clock_now(), clock_seconds(BUDGET_S))};
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
    const char *endpoint = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    *out = (struct imds_facts){.problem = NULL};
    if (disabled != NULL && strcasecmp(disabled, "true") == 0) {
        out->problem = "switched off by AWS_EC2_METADATA_DISABLED";
        return;
    }
    struct str base = str_from(endpoint != NULL && *endpoint != '\0' ? endpoint
                                                                     : ENDPOINT);
    if (base.ptr[base.len - 1] == '/')
        base.len--;
    s.endpoint = arena_str(a, base);
    const char *header = s.endpoint != NULL ? get_token(&s, out) : NULL;
    if (header != NULL)
        get_values(&s, header, out);
}
