/*
 * Fuzz target of conf/conf.h: the bytes are a configuration file, and after the
 * first NUL, if there is one, a variable of the environment. Whatever is taken
 * lies within the ranges of the table and, written back as a file, is taken
 * again with the same values.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All values of c as a file. */
static void write_back(const struct conf *c, struct wh_buf *b)
{
    struct wh_str section = WH_S("");
    for (int i = 0; i < CONF_COUNT; i++) {
        struct wh_str key = wh_str_of(conf_row((enum conf_id)i)->name), head;
        wh_assert(wh_str_cut(&key, '.', &head));
        if (!wh_str_eq(head, section)) {
            wh_buf_fmt(b, "[%.*s]\n", WH_FMT(head));
            section = head;
        }
        wh_buf_fmt(b, "%.*s = ", WH_FMT(key));
        wh_buf_add(b, c->values[i].text);
        wh_buf_char(b, '\n');
    }
}

static void check(struct wh_arena *a, const struct conf *c)
{
    struct wh_buf b;
    struct wh_err err = {0};
    struct conf again;
    wh_assert(c->http_loops >= 0 && c->http_loops <= 256);
    wh_assert(c->limits_free_percent >= 0 && c->limits_free_percent <= 90);
    wh_assert(c->limits_body_memory >= 8388608);
    wh_assert(c->lines_enforce.n > 0);
    wh_buf_init(&b, 1 << 20);
    write_back(c, &b);
    wh_assert(!b.over);
    wh_assert(conf_parse(a, wh_buf_str(&b), NULL, &again, &err));
    wh_assert(again.limits_file_size == c->limits_file_size);
    for (int i = 0; i < CONF_COUNT; i++) {
        wh_assert(wh_str_eq(again.values[i].text, c->values[i].text));
    }
    wh_buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct wh_err err = {0};
    struct conf c;
    struct wh_str rest = wh_str_mem(data, size), text;
    wh_arena_init(&a, 1 << 24);
    bool has_env = wh_str_cut(&rest, '\0', &text);
    char *env[] = {wh_arena_cstr(&a, has_env ? rest : WH_S("")), NULL};
    if (conf_parse(&a, text, env, &c, &err)) {
        check(&a, &c);
    } else {
        wh_assert(err.code == WH_USAGE);
        wh_assert(wh_str_utf8_ok(wh_str_of(err.msg)));
    }
    wh_arena_done(&a);
    return 0;
}
