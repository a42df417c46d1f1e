#include "probe/imds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/lazycurl.h"

#define ENDPOINT     "http://169.254.169.254"
#define BUDGET_S     1.0
#define ANSWER_BYTES 1024 /* tokens have 56 characters, values fewer */

struct session {
    struct lazycurl curl;
    CURL *handle;
    struct instant deadline;
    const char *endpoint;
    char token_header[ANSWER_BYTES + 64];
};

struct answer {
    char text[ANSWER_BYTES];
    size_t len;
    long http_status;
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

/* libcurl's writer: a longer answer than any of ours ends the transfer. */
static size_t keep(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    size_t len = size * count;
    if (len > sizeof answer->text - 1 - answer->len)
        return 0;
    memcpy(answer->text + answer->len, data, len);
    answer->len += len;
    answer->text[answer->len] = '\0';
    return len;
}

/* libcurl's reader: our PUT has no body. */
static size_t send_nothing(char *data, size_t size, size_t count, void *arg)
{
    (void)data, (void)size, (void)count, (void)arg;
    return 0;
}

static void set_up(struct session *s, const char *url, struct answer *out, long left_ms)
{
    s->curl.reset(s->handle);
    s->curl.set(s->handle, CURLOPT_URL, url);
    s->curl.set(s->handle, CURLOPT_PROXY, "");
    s->curl.set(s->handle, CURLOPT_NOPROXY, "*");
    s->curl.set(s->handle, CURLOPT_NOSIGNAL, 1L);
    s->curl.set(s->handle, CURLOPT_FOLLOWLOCATION, 0L);
    s->curl.set(s->handle, CURLOPT_TIMEOUT_MS, left_ms);
    s->curl.set(s->handle, CURLOPT_CONNECTTIMEOUT_MS, left_ms);
    s->curl.set(s->handle, CURLOPT_WRITEFUNCTION, keep);
    s->curl.set(s->handle, CURLOPT_WRITEDATA, out);
}

/* One request: PUT or GET with one header. False without an answer in time. */
static bool request(struct session *s, bool is_put, const char *path, const char *header,
                    struct answer *out)
{
    char url[512];
    int n = snprintf(url, sizeof url, "%s%s", s->endpoint, path);
    int64_t left_ms = clock_between(clock_now(), s->deadline).ns / NS_PER_MS;
    *out = (struct answer){.text = "", .len = 0, .http_status = 0};
    if (left_ms <= 0 || n < 0 || (size_t)n >= sizeof url)
        return false;
    set_up(s, url, out, (long)left_ms);
    struct curl_slist *headers = s->curl.list_append(NULL, header);
    s->curl.set(s->handle, CURLOPT_HTTPHEADER, headers);
    if (is_put) {
        s->curl.set(s->handle, CURLOPT_UPLOAD, 1L);
        s->curl.set(s->handle, CURLOPT_READFUNCTION, send_nothing);
        s->curl.set(s->handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)0);
    }
    CURLcode code = s->curl.perform(s->handle);
    s->curl.get(s->handle, CURLINFO_RESPONSE_CODE, &out->http_status);
    s->curl.list_free(headers);
    return code == CURLE_OK;
}

/* A token is printable and one word; HTML of another cloud is not. */
static bool is_token(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c) || *c == '<')
            return false;
    return text[0] != '\0';
}

static const char *why_refused(long http_status)
{
    switch (http_status) {
    case 400: return "the metadata service answered 400 (bad request)";
    case 401: return "the metadata service answered 401 (token not accepted)";
    case 403: return "the metadata service is switched off (403)";
    case 404: return "there is no metadata service (404)";
    default: return "the metadata service did not give a token";
    }
}

static bool get_token(struct session *s, struct imds_facts *out)
{
    struct answer answer;
    if (!request(s, true, "/latest/api/token",
                 "X-aws-ec2-metadata-token-ttl-seconds: 21600", &answer)) {
        out->problem = "the metadata service did not answer within 1 s (in a container: "
                       "is its hop limit 1?)";
        return false;
    }
    if (answer.http_status != 200) {
        out->problem = why_refused(answer.http_status);
        return false;
    }
    if (!is_token(answer.text)) {
        out->problem = "the answer is not from the EC2 metadata service";
        return false;
    }
    snprintf(s->token_header, sizeof s->token_header, "X-aws-ec2-metadata-token: %s",
             answer.text);
    return true;
}

/* A value: one short line without blanks or markup; NULL where it is anything else. */
static const char *get_value(struct session *s, const char *key, struct arena *a,
                             long *http_status)
{
    struct answer answer;
    char path[128];
    snprintf(path, sizeof path, "/latest/meta-data/%s", key);
    bool came = request(s, false, path, s->token_header, &answer);
    *http_status = came ? answer.http_status : 0;
    if (!came || answer.http_status != 200 || !is_token(answer.text) || answer.len > 64)
        return NULL;
    return arena_strdup(a, answer.text);
}

static void get_values(struct session *s, struct arena *a, struct imds_facts *out)
{
    long http_status;
    out->type = get_value(s, "instance-type", a, &http_status);
    if (out->type == NULL || !imds_is_type(out->type)) {
        out->problem = http_status == 200
                           ? "the answer is not from the EC2 metadata service"
                           : why_refused(http_status);
        out->type = NULL;
        return;
    }
    out->region = get_value(s, "placement/region", a, &http_status);
    out->zone = get_value(s, "placement/availability-zone", a, &http_status);
    out->ami_id = get_value(s, "ami-id", a, &http_status);
    out->life_cycle = get_value(s, "instance-life-cycle", a, &http_status);
}

void imds_ask(struct arena *a, struct imds_facts *out)
{
    struct session s = {.endpoint = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
                        .deadline = clock_after(clock_now(), clock_seconds(BUDGET_S))};
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
    *out = (struct imds_facts){.problem = NULL};
    if (disabled != NULL && strcasecmp(disabled, "true") == 0) {
        out->problem = "switched off by AWS_EC2_METADATA_DISABLED";
        return;
    }
    if (s.endpoint == NULL || s.endpoint[0] == '\0')
        s.endpoint = ENDPOINT;
    if (!lazycurl_open(&s.curl) || (s.handle = s.curl.init()) == NULL) {
        out->problem = "libcurl.so.4 is missing";
        return;
    }
    /* an endpoint may end in a slash */
    char endpoint[256];
    snprintf(endpoint, sizeof endpoint, "%s", s.endpoint);
    size_t len = strlen(endpoint);
    if (len > 0 && endpoint[len - 1] == '/')
        endpoint[len - 1] = '\0';
    s.endpoint = endpoint;
    if (get_token(&s, out))
        get_values(&s, a, out);
    s.curl.cleanup(s.handle);
}
