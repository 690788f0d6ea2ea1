/* What other processes send: errors and the starts of jobs, from any bytes. */
#include "base/mem.h"
#include "proc/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > PROC_MSG_BODY + 1) {
        return 0;
    }
    struct wh_err err = {0}, out = {0};
    struct proc_msg m = {.type = PROC_MSG_ERROR,
                         .body = wh_str_mem(data + 1, size - 1)};
    bool good = proc_msg_to_err(&m, &out);
    wh_assert(!good && out.code != WH_NONE && out.code < WH_CODE_COUNT);
    m.type = PROC_JOB_START;
    m.nfds = data[0];
    struct proc_job_start *st = wh_alloc(sizeof *st);
    if (proc_job_start_read(&m, st, &err)) {
        wh_assert(st->nsources <= PROC_JOB_SOURCES);
        wh_assert(st->params.n <= PROC_JOB_PARAMS);
        wh_assert(m.nfds == (st->input == PROC_JOB_NONE ? 1 : 2));
    }
    wh_free(st);
    return 0;
}
