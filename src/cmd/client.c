/*
 * client.c - calls to the API, with its failures in our own error type.
 */
#include "cmd/client.h"
#include <stdio.h>
#include <stdlib.h>

#define MEMORY ((size_t)128 << 20)
#define ANSWER_MAX ((size_t)64 << 20)
#define TIMEOUT_MS 60000
#define BODY_MAX 65536
#define URL_DEFAULT "http://127.0.0.1:8080"

bool cmd_client_open(struct cmd_client *c, const char *url, struct wh_err *err)
{
    const char *token = getenv("WEIGHHOUSE_TOKEN");

    *c = (struct cmd_client){0};
    wh_arena_init(&c->arena, MEMORY);
    if (!url) {
        url = getenv("WEIGHHOUSE_URL");
    }
    c->url = wh_str_trim(wh_str_of(url && url[0] ? url : URL_DEFAULT));
    while (wh_str_ends(c->url, WH_S("/"))) {
        c->url.n--;
    }
    if (!wh_str_starts(c->url, WH_S("http://")) &&
        !wh_str_starts(c->url, WH_S("https://"))) {
        return wh_fail(err, WH_USAGE,
                       "a house is named by a URL that begins with http:// or "
                       "https://, not \"%.200s\"",
                       url);
    }
    if (token && token[0]) {
        c->token = wh_arena_cstr(&c->arena, wh_str_trim(wh_str_of(token)));
    }
    c->fetch = net_fetch_new();
    return true;
}

void cmd_client_close(struct cmd_client *c)
{
    net_fetch_free(&c->fetch);
    wh_arena_done(&c->arena);
}

/* Only what a command reacts to by its exit code. */
static enum wh_code code_of(int status)
{
    switch (status) {
    case 400:
        return WH_BAD_REQUEST;
    case 401:
        return WH_AUTH_REQUIRED;
    case 403:
        return WH_FORBIDDEN;
    case 404:
        return WH_NOT_FOUND;
    case 409:
        return WH_CONFLICT;
    case 413:
        return WH_TOO_LARGE;
    case 422:
        return WH_REFUSED;
    case 429:
        return WH_RATE_LIMITED;
    case 503:
        return WH_UNAVAILABLE;
    default:
        return WH_OUTSIDE;
    }
}

/* The house's sentence, if it is one. */
static bool failed(struct cmd_client *c, int status, struct wh_str text,
                   struct wh_err *err)
{
    struct wh_err ignored = {0};
    struct wh_str said = WH_S("");
    json_t *body;

    if (!wh_json_parse(&c->arena, text, &body, &ignored) ||
        !wh_json_opt_str(body, "error", WH_S(""), &said, &ignored) ||
        said.n == 0) {
        return wh_fail(err, code_of(status), "the house answered with %d",
                       status);
    }
    wh_fail(err, code_of(status), "%.*s", WH_FMT(said));
    if (status == 401 && !c->token) {
        return wh_fail(err, WH_AUTH_REQUIRED,
                       "%.*s (WEIGHHOUSE_TOKEN is not set)", WH_FMT(said));
    }
    return false;
}

bool cmd_client_call(struct cmd_client *c, const char *method,
                     struct wh_str path, const json_t *body, json_t **out,
                     struct wh_err *err)
{
    struct net_fetch_call call = {.method = method,
                                  .token = c->token,
                                  .max = ANSWER_MAX,
                                  .timeout_ms = TIMEOUT_MS};
    struct wh_buf json, answer;
    int status = 0;
    bool ok;

    call.url =
        wh_arena_fmt(&c->arena, "%.*s%.*s", WH_FMT(c->url), WH_FMT(path)).p;
    wh_buf_init(&json, BODY_MAX);
    wh_buf_init(&answer, ANSWER_MAX);
    if (body) {
        wh_json_write(&json, body, false);
    }
    call.json = wh_buf_str(&json);
    ok = wh_buf_ok(&json, err) &&
         net_fetch_do(c->fetch, &call, &answer, &status, err);
    if (ok && (status < 200 || status > 299)) {
        ok = failed(c, status, wh_buf_str(&answer), err);
    } else if (ok && !wh_json_parse(&c->arena, wh_buf_str(&answer), out, err)) {
        ok = wh_fail(err, WH_OUTSIDE, "the answer is no JSON");
    }
    wh_buf_done(&json);
    wh_buf_done(&answer);
    return ok;
}

struct wh_str cmd_client_segment(struct cmd_client *c, const char *text)
{
    struct wh_buf b;
    struct wh_str out;

    wh_buf_init(&b, 4096);
    wh_buf_url(&b, wh_str_of(text));
    out = wh_arena_dup(&c->arena, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static const struct cmd_option *find(const struct cmd_option *options, size_t n,
                                     const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

bool cmd_words(int argc, char **argv, const struct cmd_option *options,
               size_t noptions, bool *json, const char **words, size_t max,
               size_t *n)
{
    *n = 0;
    for (int i = 1; i < argc; i++) {
        const struct cmd_option *o = find(options, noptions, argv[i]);

        if (json && strcmp(argv[i], "--json") == 0) {
            *json = true;
        } else if (o && i + 1 < argc) {
            *o->value = argv[++i];
        } else if ((argv[i][0] != '-' || !argv[i][1]) && *n < max) {
            words[(*n)++] = argv[i];
        } else {
            return false;
        }
    }
    return true;
}

void cmd_print_json(const json_t *v)
{
    struct wh_buf b;

    wh_buf_init(&b, ANSWER_MAX);
    wh_json_write(&b, v, true);
    printf("%.*s\n", WH_FMT(wh_buf_str(&b)));
    wh_buf_done(&b);
}
