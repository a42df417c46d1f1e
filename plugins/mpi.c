/* struct ranks_link on MPI: compiled once for each MPI library, and loaded by
 * net/ranks_mpi.c at run time, so that the program itself needs no MPI. */
#include "net/ranks_link.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct ranks_link inferbench_ranks_link;

static int init(void *self, int *rank, int *count, char *why, size_t size)
{
    (void)self;
    int level = MPI_THREAD_SINGLE;
    /* threads of ours take turns in calling */
    int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
    if (code != MPI_SUCCESS) {
        snprintf(why, size, "MPI_Init_thread failed (%d)", code);
        return -1;
    }
    if (level < MPI_THREAD_SERIALIZED) {
        snprintf(why, size, "this MPI library serves one thread only");
        return -1;
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_size(MPI_COMM_WORLD, count);
    return 0;
}

/* From "Open MPI v4.1.4, package: ..." or "MPICH Version:\t4.0.2\n...". */
static void library(void *self, char *out, size_t size)
{
    (void)self;
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(text, &length);
    const char *number = strpbrk(text, "0123456789");
    size_t digits = number == NULL ? 0 : strspn(number, "0123456789.");
    int is_open = strncmp(text, "Open MPI", 8) == 0;
    int name = is_open ? 8 : (int)strcspn(text, " \t\n,");
    snprintf(out, size, "%.*s%s%.*s", name, text, digits > 0 ? " " : "", (int)digits,
             digits > 0 ? number : "");
}

/* Of a request that could not begin. */
static void *give_up(MPI_Request *held)
{
    free(held);
    return NULL;
}

static void *send_to(void *self, int to, int tag, const void *data, size_t bytes)
{
    (void)self;
    MPI_Request *held = malloc(sizeof(MPI_Request));
    if (held == NULL || MPI_Isend(data, (int)bytes, MPI_BYTE, to, tag, MPI_COMM_WORLD,
                                  held) != MPI_SUCCESS)
        return give_up(held);
    return held;
}

static void *receive(void *self, int from, int tag, void *data, size_t bytes)
{
    (void)self;
    MPI_Request *held = malloc(sizeof(MPI_Request));
    if (held == NULL || MPI_Irecv(data, (int)bytes, MPI_BYTE, from, tag, MPI_COMM_WORLD,
                                  held) != MPI_SUCCESS)
        return give_up(held);
    return held;
}

static int test(void *self, void *held)
{
    (void)self;
    int is_done = 0;
    int code = MPI_Test(held, &is_done, MPI_STATUS_IGNORE);
    if (code == MPI_SUCCESS && !is_done)
        return 0;
    free(held);
    return code == MPI_SUCCESS ? 1 : -1;
}

static void cancel(void *self, void *held)
{
    (void)self;
    MPI_Cancel(held);
    MPI_Wait(held, MPI_STATUS_IGNORE); /* of a receive: at once */
    free(held);
}

static void end_all(void *self, int code)
{
    (void)self;
    MPI_Abort(MPI_COMM_WORLD, code);
}

static void finalize(void *self)
{
    (void)self;
    MPI_Finalize();
}

const struct ranks_link inferbench_ranks_link = {
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
