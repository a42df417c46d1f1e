/* Where an online engine sends, and how. Secrets are in here: never print it whole. */
#ifndef CORE_TARGET_H
#define CORE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"

struct engine_target {
    struct opt_strings base_urls;        /* several: round robin by request index */
    const char *endpoint;                /* "completions" or "chat" */
    const char *endpoint_path, *dialect; /* "/its/path", NULL: the API's; --dialect */
    struct opt_strings renames;          /* "member=name" of a request */
    const char *api_key;                 /* secret, or NULL */
    struct opt_strings headers;          /* "Name: value"; values may be secrets */
    const char *extra_body;              /* JSON object, or NULL */
    const char *ca_cert;                 /* PEM file, or NULL */
    const char *token_counts;            /* "usage", "ids" or "continuous" */
    bool is_insecure, is_stream, is_keepalive, is_default_url; /* nobody named the URL */
    double request_timeout_s, ready_timeout_s;
    double *ready_left_s; /* of a server not ours: what is left of it in the whole run */
    int64_t drain_interval_us;  /* OPT_INT_UNSET: the engine's rule */
    bool is_closed_load;        /* decides that rule */
    bool is_local;              /* the server runs on this machine */
    bool is_launched;           /* --launch: the engine starts vLLM's server itself */
    const char *launch_command; /* --launch-command, or NULL */
};

#endif
