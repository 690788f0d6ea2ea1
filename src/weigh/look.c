/*
 * look.c - a scanner's answer, asked for and read.
 */
#include "weigh/look.h"
#include "proc/zygote.h"
#include "scan/job.h"

/* Files in the clear are small: they came in one commit. */
#define LOOK_MS 30000u
/* Four megabytes in small files; what takes longer is asked one by one. */
#define KINDS_MS 10000u

static struct wh_str text(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : WH_S("");
}

static bool has_danger(const json_t *result)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(result, "findings"), i, item)
    {
        if (wh_str_is(text(item, "severity"), "danger")) {
            return true;
        }
    }
    return false;
}

bool weigh_look_read(struct wh_arena *a, struct wh_str result,
                     struct weigh_look *out, struct wh_err *err)
{
    struct weigh_look look = {0};
    struct wh_err why = {0};

    if (!wh_json_parse(a, result, &look.result, &why) ||
        !json_is_object(look.result)) {
        return wh_fail(err, WH_CORRUPT, "a scanner's answer is malformed");
    }
    look.class = text(look.result, "class");
    look.format = text(look.result, "format");
    look.why = text(look.result, "why");
    look.verifiable = json_is_true(json_object_get(look.result, "verifiable"));
    look.danger = has_danger(look.result);
    if (look.class.n == 0 || look.format.n == 0) {
        return wh_fail(err, WH_CORRUPT, "a scanner's answer is incomplete");
    }
    *out = look;
    return true;
}

bool weigh_look(struct proc_client *zygote, struct wh_arena *a,
                const struct wh_src *src, struct wh_str path,
                struct weigh_look *out, struct wh_err *err)
{
    struct proc_job_request rq = {.type = SCAN_JOB_FILE,
                                  .sources = src,
                                  .nsources = 1,
                                  .data_fd = -1,
                                  .answer_max = SCAN_JOB_FILE_ANSWER,
                                  .time_ms = LOOK_MS};
    struct wh_buf params;
    struct wh_str answer;
    bool ok;

    wh_buf_init(&params, PROC_JOB_PARAMS);
    scan_job_file_params(&params, path, false);
    rq.params = wh_buf_str(&params);
    ok = proc_job_run(zygote, a, &rq, &answer, err) &&
         weigh_look_read(a, answer, out, err);
    wh_buf_done(&params);
    return ok;
}

bool weigh_look_kinds(struct proc_client *zygote, struct wh_arena *a,
                      const struct wh_src *srcs, unsigned n,
                      struct weigh_kind *out, struct wh_err *err)
{
    struct proc_job_request rq = {.type = SCAN_JOB_KINDS,
                                  .sources = srcs,
                                  .nsources = n,
                                  .data_fd = -1,
                                  .answer_max = SCAN_JOB_KINDS_ANSWER,
                                  .time_ms = KINDS_MS};
    struct scan_kind kinds[SCAN_JOB_KINDS_MAX];
    struct wh_buf params;
    struct wh_str answer;
    bool ok;

    wh_assert(n > 0 && n <= SCAN_JOB_KINDS_MAX);
    wh_buf_init(&params, 16);
    scan_job_kinds_params(&params);
    rq.params = wh_buf_str(&params);
    ok = proc_job_run(zygote, a, &rq, &answer, err) &&
         scan_job_kinds_read(answer, kinds, n, err);
    for (unsigned i = 0; ok && i < n; i++) {
        out[i].class = wh_str_of(scan_class_name(kinds[i].class));
        out[i].format = wh_str_of(scan_format_name(kinds[i].format));
    }
    wh_buf_done(&params);
    return ok;
}
