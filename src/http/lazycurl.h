/* libcurl, opened at run time: linked in, it would cost every start milliseconds. Types
 * and constants come from its header. */
#ifndef HTTP_LAZYCURL_H
#define HTTP_LAZYCURL_H

#include <curl/curl.h>
#include <stdbool.h>

struct lazycurl {
    void *library;
    __typeof__(&curl_easy_init) init;
    __typeof__(&curl_easy_cleanup) cleanup;
    __typeof__(&curl_easy_reset) reset;
    CURLcode (*set)(CURL *handle, CURLoption option, ...);
    CURLcode (*get)(CURL *handle, CURLINFO info, ...);
    __typeof__(&curl_easy_perform) perform;
    __typeof__(&curl_slist_append) list_append;
    __typeof__(&curl_slist_free_all) list_free;
};

/* False where the library is missing. Never closed: libcurl does not like to be unloaded.
 */
bool lazycurl_open(struct lazycurl *out);

#endif
