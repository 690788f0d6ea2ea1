/*
 * Name rules. They are the intersection of what the clients accept: caches
 * write '/' as "--", one client wants every '.' and '-' between word
 * characters, another cuts ".git" off.
 */
#include "store/name.h"

static const char *const reserved[] = {
#define WH_RESERVED(word) word,
#include "store/reserved.tbl"
#undef WH_RESERVED
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

static bool iends(struct wh_str s, struct wh_str end)
{
    return s.n >= end.n && wh_str_ieq(wh_str_sub(s, s.n - end.n, end.n), end);
}

static bool name_ok(struct wh_str name, size_t max, struct wh_err *err)
{
    if (name.n == 0 || name.n > max) {
        return wh_fail(err, WH_BAD_NAME, "a name has 1 to %zu characters", max);
    }
    bool after_word = false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!is_word(c) && c != '-' && c != '.') {
            return wh_fail(err, WH_BAD_NAME,
                           "a name consists of letters, digits, '-', '_' and "
                           "'.'");
        }
        if (!is_word(c) && (!after_word || i + 1 == name.n)) {
            return wh_fail(err, WH_BAD_NAME,
                           "'-' and '.' stand single between letters, digits "
                           "or '_'");
        }
        after_word = is_word(c);
    }
    if (iends(name, WH_S(".git")) || iends(name, WH_S(".ipynb"))) {
        return wh_fail(err, WH_BAD_NAME,
                       "a name does not end in .git or .ipynb");
    }
    return true;
}

bool store_repo_name_ok(struct wh_str name, struct wh_err *err)
{
    return name_ok(name, STORE_REPO_NAME_MAX, err);
}

bool store_account_name_ok(struct wh_str name, struct wh_err *err)
{
    if (!name_ok(name, STORE_ACCOUNT_NAME_MAX, err)) {
        return false;
    }
    if (store_name_reserved(name)) {
        return wh_fail(err, WH_BAD_NAME, "this name is a page of the house");
    }
    return true;
}

bool store_name_reserved(struct wh_str name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (wh_str_ieq(name, wh_str_of(reserved[i]))) {
            return true;
        }
    }
    return false;
}

bool store_full_split(struct wh_str full, struct wh_str *ns,
                      struct wh_str *name, struct wh_err *err)
{
    struct wh_str rest = full, head;
    if (!wh_str_cut(&rest, '/', &head)) {
        return wh_fail(err, WH_BAD_NAME, "a repo is named namespace/name");
    }
    if (!name_ok(head, STORE_ACCOUNT_NAME_MAX, err) ||
        !name_ok(rest, STORE_REPO_NAME_MAX, err)) {
        return false;
    }
    *ns = head;
    *name = rest;
    return true;
}
