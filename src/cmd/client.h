/*
 * client.h - a command's way to the API of a running house.
 * Owner: cmd_client_open .. cmd_client_close; answers live in its arena.
 * Never: prints; follows a redirect; sends the token to another house.
 */
#ifndef WH_CMD_CLIENT_H
#define WH_CMD_CLIENT_H

#include "base/json.h"
#include "net/fetch.h"

struct cmd_client {
    struct wh_arena arena;
    struct net_fetch *fetch;
    struct wh_str url; /* "http://127.0.0.1:8080", no slash at its end */
    const char *token; /* null: anonymous */
};

/* url null: WEIGHHOUSE_URL, or the default address of `weighhouse serve`. The
 * token is WEIGHHOUSE_TOKEN. WH_USAGE for a URL that is none. */
bool cmd_client_open(struct cmd_client *c, const char *url,
                     struct wh_err *err) WH_CHECK;
void cmd_client_close(struct cmd_client *c);
/* Send a request (body null: none; borrowed) and read the JSON of the answer.
 * An answer that is a failure fails with the house's own sentence, and the
 * code that stands for its status. */
bool cmd_client_call(struct cmd_client *c, const char *method,
                     struct wh_str path, const json_t *body, json_t **out,
                     struct wh_err *err) WH_CHECK;

/* One value of the command line as a path segment, in the client's arena. */
struct wh_str cmd_client_segment(struct cmd_client *c, const char *text);

/* An option that takes a value. */
struct cmd_option {
    const char *name; /* "--fullname" */
    const char **value;
};
/* What every noun does with its options: `--name VALUE` into a table of texts,
 * `--json` into a flag, everything else into words (at most max). False for an
 * unknown option, a missing value or too many words. */
bool cmd_words(int argc, char **argv, const struct cmd_option *options,
               size_t noptions, bool *json, const char **words, size_t max,
               size_t *n);
/* The answer as indented JSON on standard output. */
void cmd_print_json(const json_t *v);

#endif
