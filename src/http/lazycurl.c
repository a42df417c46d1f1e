#include "http/lazycurl.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static bool find(void *library, const char *symbol, void *slot)
{
    void *address = dlsym(library, symbol);
    memcpy(slot, &address, sizeof address);
    return address != NULL;
}

bool lazycurl_open(struct lazycurl *out)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return false;
    out->library = library;
    return find(library, "curl_easy_init", &out->init) &&
           find(library, "curl_easy_cleanup", &out->cleanup) &&
           find(library, "curl_easy_reset", &out->reset) &&
           find(library, "curl_easy_setopt", &out->set) &&
           find(library, "curl_easy_getinfo", &out->get) &&
           find(library, "curl_easy_perform", &out->perform) &&
           find(library, "curl_slist_append", &out->list_append) &&
           find(library, "curl_slist_free_all", &out->list_free);
}
