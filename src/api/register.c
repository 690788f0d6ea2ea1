/*
 * register.c - the register's files, as any tlog-tiles client reads them.
 */
#include "api/handlers.h"
#include "base/file.h"
#include "front/answer.h"
#include "register/read.h"
#include <fcntl.h>
#include <sys/stat.h>

static void begin(struct front_req *q, const struct register_resource *res)
{
    net_answer(q->net, 200);
    net_answer_header(q->net, "Content-Type", wh_str_of(res->type));
    net_answer_header(q->net, "Cache-Control", wh_str_of(res->cache));
    net_answer_header(q->net, "X-Content-Type-Options", WH_S("nosniff"));
    front_answer_cors(q->net);
}

static bool send_file(struct front_req *q, const struct register_resource *res,
                      struct wh_err *err)
{
    struct stat st;
    int fd = openat(register_reader_fd(q->house->reader), res->file,
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 || fstat(fd, &st) != 0) {
        wh_fd_close(&fd);
        return wh_fail(err, WH_NOT_FOUND, "");
    }
    begin(q, res);
    net_answer_file(q->net, fd, 0, (uint64_t)st.st_size);
    net_answer_send(q->net);
    return true;
}

static bool write_text(struct front_req *q, const struct register_resource *res,
                       struct wh_buf *b, struct wh_err *err)
{
    struct register_status status;

    register_status_get(q->house->log, &status);
    switch (res->kind) {
    case REGISTER_PROOF:
        return register_proof(q->house->reader, res->number, b, err);
    case REGISTER_CHECKPOINT:
        return register_checkpoint_at(q->db, res->number, status.size, b, err);
    case REGISTER_VKEY:
        wh_buf_fmt(b, "%s\n", status.vkey);
        return true;
    case REGISTER_FILE:
        break;
    }
    return wh_fail(err, WH_INTERNAL, "");
}

bool api_register(struct front_req *q, struct wh_err *err)
{
    struct register_resource res;
    struct wh_str path =
        wh_str_sub(q->net->path, sizeof "/register/" - 1, q->net->path.n);
    struct wh_buf b;
    bool ok;

    if (!register_locate(path, &res)) {
        return wh_fail(err, WH_NOT_FOUND, "");
    }
    if (res.kind == REGISTER_FILE) {
        return send_file(q, &res, err);
    }
    wh_buf_init(&b, (size_t)1 << 20);
    ok = write_text(q, &res, &b, err);
    if (ok) {
        begin(q, &res);
        net_answer_bytes(q->net, wh_buf_str(&b));
        net_answer_send(q->net);
    }
    wh_buf_done(&b);
    return ok;
}
