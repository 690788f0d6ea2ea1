/*
 * decision.c - `weighhouse decision`: what people decide, from the approver's
 * side. The key stays with ssh-keygen: it is never read here.
 */
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/noun.h"
#include "rule/statement.h"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROPOSALS "/api/weighhouse/v1/proposals"
#define FILE_MAX ((size_t)65536)
#define KEYGEN "ssh-keygen"

static const char help_text[] =
    "Usage: weighhouse decision show ID\n"
    "       weighhouse decision statement ACT SUBJECT --reason TEXT\n"
    "                  [--rule LINE/RULE] [--tier TIER] [--roster FILE]\n"
    "                  [--lines LINES]\n"
    "       weighhouse decision sign FILE --key KEY | --signature FILE\n"
    "                  [--confirm TEXT] [--roster FILE]\n"
    "       weighhouse decision object FILE --key KEY | --signature FILE\n"
    "\n"
    "statement prints what is to be signed, made against what is published "
    "now.\n"
    "ACT is open, host, gate, close, ratify, renew, recall, lift, answer, "
    "roster\n"
    "or lines; SUBJECT 64 hex digits, or - for roster and lines. A recall "
    "closes, or\n"
    "with --tier open marks what stays open. LINES are all that are to be in "
    "force\n"
    "afterwards: \"limited.default demo.low.v2\". sign shows the statement in "
    "full, has\n"
    "ssh-keygen sign it with KEY (or reads a signature that was made "
    "elsewhere) "
    "and\n"
    "hands it in; object signs against it. What cannot be taken back has to be "
    "typed:\n"
    "the sentence of its line `confirm`.\n"
    "\n"
    "  --json         the answer as JSON\n"
    "\n"
    "The house is WEIGHHOUSE_URL (http://127.0.0.1:8080).\n"
    "Exit codes: 0 done, 1 refused, 2 wrong usage, 4 could not be asked.\n";

enum { KEY, SIGNATURE, CONFIRM, ROSTER, RULE, TIER, REASON, STAY };

static struct wh_str answer_text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return wh_str_of(s ? s : "");
}

/* ---- reading ---- */

static bool show(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    struct wh_arena *a = &c->client.arena;
    struct wh_str id = cmd_client_segment(&c->client, c->words[1]);

    if (!cmd_client_call(&c->client, "GET",
                         wh_arena_fmt(a, PROPOSALS "/%.*s", WH_FMT(id)), NULL,
                         out, err)) {
        if (err->code != WH_NOT_FOUND) {
            return false;
        }
        *err = (struct wh_err){0};
        if (!cmd_client_call(&c->client, "GET",
                             wh_arena_fmt(a,
                                          "/api/weighhouse/v1/decisions/%.*s",
                                          WH_FMT(id)),
                             NULL, out, err)) {
            return false;
        }
    }
    if (!c->json) {
        struct wh_str text = answer_text(*out, "statement");
        if (text.n > 0) {
            printf("%.*s", WH_FMT(text));
            printf("state: %s\n", answer_text(*out, "state").p);
        } else {
            cmd_print_json(*out);
        }
    }
    return true;
}

static bool statement(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    struct wh_arena *a = &c->client.arena;
    json_t *body = wh_json_own(a, json_object());
    struct wh_str paper;

    json_object_set_new(body, "act", json_string(c->words[1]));
    if (strcmp(c->words[2], "-") != 0) {
        json_object_set_new(body, "subject", json_string(c->words[2]));
    }
    if (c->options[REASON]) {
        json_object_set_new(body, "reasons",
                            json_pack("[s]", c->options[REASON]));
    }
    if (c->options[RULE]) {
        json_object_set_new(body, "rules", json_pack("[s]", c->options[RULE]));
    }
    if (c->options[TIER]) {
        json_object_set_new(body, "tier", json_string(c->options[TIER]));
    }
    if (c->options[ROSTER]) {
        if (!wh_file_read(a, c->options[ROSTER], FILE_MAX, &paper, err)) {
            return false;
        }
        json_object_set_new(body, "paper", wh_json_str(paper));
    }
    if (c->options[STAY]) {
        json_object_set_new(body, "paper", json_string(c->options[STAY]));
    }
    if (!cmd_client_call(&c->client, "POST", WH_S(PROPOSALS "/draft"), body,
                         out, err)) {
        return false;
    }
    if (!c->json) {
        struct wh_str text = answer_text(*out, "statement");
        printf("%.*s", WH_FMT(text));
    }
    return true;
}

/* ---- signing ---- */

/* ssh-keygen asks for the passphrase, or for the touch, on its own. It writes
 * beside the file; an older signature there is in its way. */
static bool run_keygen(struct wh_arena *a, const char *key, const char *ns,
                       const char *file, struct wh_str *out, struct wh_err *err)
{
    struct wh_str sig = wh_arena_fmt(a, "%s.sig%c", file, 0);
    int status = 0;
    pid_t pid;

    (void)unlink(sig.p);
    pid = fork();
    if (pid == 0) {
        execlp(KEYGEN, KEYGEN, "-q", "-Y", "sign", "-f", key, "-n", ns, file,
               (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        return wh_fail(err, WH_OUTSIDE, KEYGEN " did not sign");
    }
    return wh_file_read(a, sig.p, FILE_MAX, out, err);
}

/* What is typed for an act that can not be taken back. */
static bool confirmed(struct cmd_call *c, const struct rule_statement *st,
                      json_t *body, struct wh_err *err)
{
    char want[RULE_CONFIRM_MAX], typed[RULE_CONFIRM_MAX + 2];
    const char *said = c->options[CONFIRM];

    rule_statement_confirm(st->act, st->subject, want);
    if (!want[0]) {
        return true;
    }
    if (!said) {
        fprintf(stderr, "Type this to confirm:\n%s\n", want);
        if (!fgets(typed, sizeof typed, stdin)) {
            typed[0] = '\0';
        }
        typed[strcspn(typed, "\n")] = '\0';
        said = typed;
    }
    if (strcmp(said, want) != 0) {
        return wh_fail(err, WH_REFUSED, "not confirmed: nothing was signed");
    }
    json_object_set_new(body, "confirm", json_string(want));
    return true;
}

static bool add_signature(struct cmd_call *c, const char *ns, json_t *body,
                          struct wh_err *err)
{
    struct wh_arena *a = &c->client.arena;
    struct wh_str sig = WH_S(""), paper;

    if (c->options[SIGNATURE]
            ? !wh_file_read(a, c->options[SIGNATURE], FILE_MAX, &sig, err)
            : !run_keygen(a, c->options[KEY], ns, c->words[1], &sig, err)) {
        return false;
    }
    json_object_set_new(body, "signature", wh_json_str(sig));
    if (c->options[ROSTER]) {
        if (!wh_file_read(a, c->options[ROSTER], FILE_MAX, &paper, err)) {
            return false;
        }
        json_object_set_new(body, "roster", wh_json_str(paper));
    }
    return true;
}

static bool hand_in(struct cmd_call *c, const char *ns, bool against,
                    json_t **out, struct wh_err *err)
{
    struct wh_arena *a = &c->client.arena;
    json_t *body = wh_json_own(a, json_object());
    struct rule_statement st;
    struct wh_str text;

    if (!c->options[KEY] == !c->options[SIGNATURE]) {
        return wh_fail(err, WH_USAGE, "either --key or --signature");
    }
    if (!wh_file_read(a, c->words[1], FILE_MAX, &text, err) ||
        !rule_statement_read(text, &st, err)) {
        return false;
    }
    fprintf(stderr, "%.*s", WH_FMT(text));
    json_object_set_new(body, "statement", wh_json_str(text));
    if ((!against && !confirmed(c, &st, body, err)) ||
        !add_signature(c, ns, body, err) ||
        !cmd_client_call(&c->client, "POST", WH_S(PROPOSALS), body, out, err)) {
        return false;
    }
    if (!c->json) {
        printf("%s by %s, statement %s: %s\n",
               against ? "objection" : "signature",
               answer_text(*out, "approver").p, answer_text(*out, "id").p,
               answer_text(*out, "state").p);
    }
    return true;
}

static bool sign(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    return hand_in(c, RULE_NS_DECISION, false, out, err);
}

static bool object(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    return hand_in(c, RULE_NS_DISSENT, true, out, err);
}

static const struct cmd_verb VERBS[] = {{"show", 2, show},
                                        {"statement", 3, statement},
                                        {"sign", 2, sign},
                                        {"object", 2, object}};

int cmd_decision(int argc, char **argv)
{
    static const struct cmd_noun noun = {
        .name = "decision",
        .help = help_text,
        .options = {"--key", "--signature", "--confirm", "--roster", "--rule",
                    "--tier", "--reason", "--lines"},
        .verbs = VERBS,
        .n = sizeof VERBS / sizeof *VERBS};

    return cmd_noun(&noun, argc, argv);
}
