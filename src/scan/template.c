/*
 * template.c - a small lexer over the code parts of a Jinja text. It knows
 * names, strings and single signs, which is enough to see underscore
 * attributes, the filters that fetch attributes by name, statements that load
 * other files, and names that belong to the interpreter.
 */
#include "scan/template.h"

struct lexer {
    struct wh_str s;
    size_t at;
    size_t deep; /* open brackets: inside of them "}}" is two brackets */
};

enum token { TOKEN_END, TOKEN_NAME, TOKEN_STRING, TOKEN_SIGN };

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= '0' && c <= '9');
}

static bool at_mark(const struct lexer *l, const char *mark)
{
    return wh_str_starts(wh_str_sub(l->s, l->at, 2), wh_str_of(mark));
}

/* Move to the next piece of code, behind "{{" or "{%"; false if none is left.
 * Comments are skipped. */
static bool enter_code(struct lexer *l)
{
    while (l->at + 1 < l->s.n) {
        if (at_mark(l, "{{") || at_mark(l, "{%")) {
            l->at += 2;
            return true;
        }
        if (at_mark(l, "{#")) {
            struct wh_str rest = wh_str_sub(l->s, l->at, l->s.n);
            size_t end = wh_str_find_str(rest, WH_S("#}"));
            l->at = end == SIZE_MAX ? l->s.n : l->at + end + 2;
        } else {
            l->at++;
        }
    }
    return false;
}

static struct wh_str take_string(struct lexer *l)
{
    char quote = l->s.p[l->at++];
    size_t from = l->at;
    while (l->at < l->s.n && l->s.p[l->at] != quote) {
        l->at += l->s.p[l->at] == '\\' ? 2 : 1;
    }
    if (l->at > l->s.n) {
        l->at = l->s.n;
    }
    struct wh_str out = wh_str_sub(l->s, from, l->at - from);
    if (l->at < l->s.n) {
        l->at++;
    }
    return out;
}

/* The next token of a piece of code; TOKEN_END at its closing mark. */
static enum token next(struct lexer *l, struct wh_str *text)
{
    while (l->at < l->s.n && strchr(" \t\r\n", l->s.p[l->at]) &&
           l->s.p[l->at] != 0) {
        l->at++;
    }
    if (l->at >= l->s.n ||
        (l->deep == 0 && (at_mark(l, "}}") || at_mark(l, "%}")))) {
        l->at = l->at + 2 < l->s.n ? l->at + 2 : l->s.n;
        return TOKEN_END;
    }
    char c = l->s.p[l->at];
    if (c == '"' || c == '\'') {
        *text = take_string(l);
        return TOKEN_STRING;
    }
    size_t from = l->at++;
    if (name_byte(c)) {
        while (l->at < l->s.n && name_byte(l->s.p[l->at])) {
            l->at++;
        }
        *text = wh_str_sub(l->s, from, l->at - from);
        return TOKEN_NAME;
    }
    *text = wh_str_sub(l->s, from, 1);
    if (c == '(' || c == '[' || c == '{') {
        l->deep++;
    } else if ((c == ')' || c == ']' || c == '}') && l->deep > 0) {
        l->deep--;
    }
    return TOKEN_SIGN;
}

/* Does the string write an underscore as an escape, which no text needs? */
static bool hides_underscore(struct wh_str s)
{
    static const char *const forms[] = {"137", "x5f", "u005f", "U0000005f",
                                        "N{low line}"};
    for (size_t i = 0; i + 1 < s.n; i++) {
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
            struct wh_str form = wh_str_of(forms[k]);
            if (s.p[i] == '\\' && form.p[0] == s.p[i + 1] &&
                wh_str_ieq(wh_str_sub(s, i + 1, form.n), form)) {
                return true;
            }
        }
    }
    return false;
}

static bool one_of(struct wh_str s, const char *const *list)
{
    for (; *list; list++) {
        if (wh_str_is(s, *list)) {
            return true;
        }
    }
    return false;
}

/* What one token says, given the sign before it (0: none). */
static const char *judge(enum token t, struct wh_str s, char before, bool first)
{
    static const char *const statements[] = {"import", "include", "extends",
                                             "from", NULL};
    static const char *const reach[] = {
        "lipsum",  "cycler",  "joiner",   "popen",     "subprocess",
        "getattr", "globals", "builtins", "eval",      "exec",
        "os",      "sys",     "request",  "importlib", NULL};
    if (t == TOKEN_STRING) {
        return wh_str_starts(s, WH_S("__")) || hides_underscore(s)
                   ? "a string that names an internal attribute"
                   : NULL;
    }
    if (t != TOKEN_NAME) {
        return NULL;
    }
    if (s.p[0] == '_') {
        return before == '.' ? "an attribute that starts with an underscore"
               : wh_str_starts(s, WH_S("__")) ? "an internal name"
                                              : NULL;
    }
    if (before == '|' && wh_str_is(s, "attr")) {
        return "the filter attr, which fetches any attribute";
    }
    if (first && one_of(s, statements)) {
        return "a statement that loads another template";
    }
    return before != '.' && one_of(s, reach)
               ? "a name that belongs to the interpreter"
               : NULL;
}

/* Strings written as one, with or without a sign between them. */
struct joined {
    char head[2];
    size_t n;     /* bytes of the head */
    bool goes_on; /* another string would be part of it */
};

/* Take in a token; true if it is a string with which an internal attribute is
 * named. */
static bool join(struct joined *j, enum token t, struct wh_str s)
{
    if (t != TOKEN_STRING) {
        j->goes_on =
            j->goes_on && t == TOKEN_SIGN && (s.p[0] == '~' || s.p[0] == '+');
        return false;
    }
    if (!j->goes_on) {
        j->n = 0;
    }
    for (size_t i = 0; i < s.n && j->n < sizeof j->head; i++) {
        j->head[j->n++] = s.p[i];
    }
    j->goes_on = true;
    return j->n == sizeof j->head && memcmp(j->head, "__", j->n) == 0;
}

const char *scan_template_suspect(struct wh_str text, size_t *at)
{
    struct lexer l = {.s = text};
    while (enter_code(&l)) {
        struct wh_str s = {0};
        struct joined j = {0};
        char before = 0;
        bool first = true;
        l.deep = 0;
        for (;;) {
            enum token t = next(&l, &s);
            if (t == TOKEN_END) {
                break;
            }
            const char *why = judge(t, s, before, first);
            if (join(&j, t, s) && !why) {
                why = "strings that name an internal attribute together";
            }
            if (why) {
                *at = (size_t)(s.p - text.p);
                return why;
            }
            before = t == TOKEN_SIGN ? s.p[0] : 0;
            /* "{%- import" trims blanks and is a first word all the same. */
            first = first && t == TOKEN_SIGN;
        }
    }
    return NULL;
}

void scan_template_check(struct scan_ctx *c, struct wh_str name,
                         struct wh_str text, uint64_t at)
{
    char digest[WH_SHA256_HEX + 1];
    size_t where = 0;
    wh_sha256_hex_of(text, digest);
    scan_findings_add(&c->r->findings, SCAN_F_TEMPLATE_FOUND, at,
                      "%s: %zu bytes, sha256 %s", scan_quote(c->a, name),
                      text.n, digest);
    const char *why = scan_template_suspect(text, &where);
    if (why) {
        scan_findings_add(&c->r->findings, SCAN_F_TEMPLATE_SUSPICIOUS, at,
                          "%s has, at its byte %zu, %s: %s",
                          scan_quote(c->a, name), where, why,
                          scan_quote(c->a, wh_str_sub(text, where, 40)));
    }
}
