#include "run/peers_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/ranks.h"

#define PIECE_BYTES ((size_t)4 << 20)

const char *peers_journal_of(const struct run *r, int rank)
{
    return arena_printf(r->arena, "%s/rank_%d/journal.jsonl", r->raw_dir, rank);
}

enum status peers_journal_send(struct run *r, int64_t bytes, struct err *e)
{
    struct run_peers *p = &r->peers;
    enum status s = STATUS_OK;
    int fd = open(r->journal_path, O_RDONLY | O_CLOEXEC);
    char *room = mem_alloc(PIECE_BYTES, 1);
    if (room == NULL)
        s = status_no_memory(e, "ranks");
    while (bytes > 0 && s == STATUS_OK) {
        size_t want = bytes < (int64_t)PIECE_BYTES ? (size_t)bytes : PIECE_BYTES;
        ssize_t n = pread(fd, room, want, (off_t)p->sent_bytes);
        if (n != (ssize_t)want)
            s = status_errno(e, r->journal_path, "cannot be read");
        else
            s = ranks_send(p->ranks, 0, (struct str){room, want}, e);
        p->sent_bytes += (int64_t)want;
        bytes -= (int64_t)want;
    }
    mem_free(room);
    if (fd >= 0)
        (void)close(fd);
    return s;
}

enum status peers_journal_receive(struct run *r, int rank, int64_t bytes, struct err *e)
{
    const char *path = peers_journal_of(r, rank);
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
                          : -1;
    enum status s = STATUS_OK;
    char *room = mem_alloc(PIECE_BYTES, 1);
    if (path == NULL || room == NULL)
        s = status_no_memory(e, "ranks");
    else if (fd < 0)
        s = status_errno(e, path, "cannot be written");
    while (bytes > 0 && s == STATUS_OK) {
        size_t n = bytes < (int64_t)PIECE_BYTES ? (size_t)bytes : PIECE_BYTES;
        s = ranks_receive(r->peers.ranks, rank, room, n, e);
        if (s == STATUS_OK)
            s = file_write_all(fd, path, (struct str){room, n}, e);
        bytes -= (int64_t)n;
    }
    mem_free(room);
    if (fd >= 0)
        (void)close(fd);
    return s;
}
