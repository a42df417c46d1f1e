#include "link_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct link_request {
    struct link_request *next;
    int from, to, tag;
    bool is_send;
    int state; /* as of test */
    void *data;
    size_t bytes;
};

void link_fixture_init(struct link_fixture *f, int count)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(pthread_mutex_init(&f->lock, NULL), 0);
    f->count = count;
    for (int n = 0; n < LINK_FIXTURE_MOST; n++)
        f->ends[n] = (struct link_end){.f = f, .rank = n};
}

static void take_out(struct link_fixture *f, struct link_request *q)
{
    struct link_request **at = &f->begun;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    free(q);
}

void link_fixture_fini(struct link_fixture *f)
{
    while (f->begun != NULL)
        take_out(f, f->begun);
    (void)pthread_mutex_destroy(&f->lock);
}

static int init(void *self, int *rank, int *count, char *why, size_t size)
{
    const struct link_end *end = self;
    *rank = end->rank;
    *count = end->f->count;
    if (end->f->count > 0)
        return 0;
    (void)snprintf(why, size, "nobody is here");
    return -1;
}

static void library(void *self, char *out, size_t size)
{
    (void)self;
    (void)snprintf(out, size, "threads 1");
}

/* Hands q over if the other side has begun. Another length fails at the receiver. */
static void meet(struct link_fixture *f, struct link_request *q)
{
    for (struct link_request *o = f->begun; o != NULL; o = o->next) {
        if (o->state != 0 || o->is_send == q->is_send || o->from != q->from ||
            o->to != q->to || o->tag != q->tag)
            continue;
        struct link_request *send = q->is_send ? q : o, *receive = q->is_send ? o : q;
        send->state = 1;
        receive->state = send->bytes == receive->bytes ? 1 : -1;
        if (receive->state == 1)
            memcpy(receive->data, send->data, send->bytes);
        return;
    }
}

static void *begin(struct link_fixture *f, struct link_request request)
{
    struct link_request *q = malloc(sizeof *q), **last = &f->begun;
    if (q == NULL)
        return NULL;
    *q = request;
    (void)pthread_mutex_lock(&f->lock);
    meet(f, q);
    while (*last != NULL)
        last = &(*last)->next;
    *last = q;
    (void)pthread_mutex_unlock(&f->lock);
    return q;
}

static void *send_to(void *self, int to, int tag, const void *data, size_t bytes)
{
    const struct link_end *end = self;
    return begin(end->f, (struct link_request){.from = end->rank,
                                               .to = to,
                                               .tag = tag,
                                               .is_send = true,
                                               .data = (void *)(uintptr_t)data,
                                               .bytes = bytes});
}

static void *receive(void *self, int from, int tag, void *data, size_t bytes)
{
    const struct link_end *end = self;
    return begin(
        end->f,
        (struct link_request){
            .from = from, .to = end->rank, .tag = tag, .data = data, .bytes = bytes});
}

static int test(void *self, void *request)
{
    struct link_fixture *f = ((struct link_end *)self)->f;
    (void)pthread_mutex_lock(&f->lock);
    int state = ((struct link_request *)request)->state;
    if (state != 0)
        take_out(f, request);
    (void)pthread_mutex_unlock(&f->lock);
    return state;
}

static void cancel(void *self, void *request)
{
    struct link_fixture *f = ((struct link_end *)self)->f;
    (void)pthread_mutex_lock(&f->lock);
    take_out(f, request);
    (void)pthread_mutex_unlock(&f->lock);
}

static void end_all(void *self, int code)
{
    ((struct link_end *)self)->abort_code = code;
}

/* What this rank began ends with it: its memory is free after that. */
static void finalize(void *self)
{
    struct link_end *end = self;
    (void)pthread_mutex_lock(&end->f->lock);
    for (struct link_request *q = end->f->begun, *next; q != NULL; q = next) {
        next = q->next;
        if ((q->is_send ? q->from : q->to) == end->rank)
            take_out(end->f, q);
    }
    end->is_finalized = true;
    (void)pthread_mutex_unlock(&end->f->lock);
}

const struct ranks_link link_fixture_table = {
    .version = RANKS_LINK_VERSION,
    .init = init,
    .library = library,
    .send = send_to,
    .receive = receive,
    .test = test,
    .cancel = cancel,
    .abort = end_all,
    .finalize = finalize,
};
