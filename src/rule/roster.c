/*
 * roster.c - the roster read strictly, and weighed.
 */
#include "rule/roster.h"
#include "base/enc.h"
#include "rule/floor.h"

#define ID_MAX 32
#define KEY_BLOB_MAX 512

_Static_assert(RULE_KEYS_MAX <= 32, "a set of keys is 32 bits");

static bool bad(struct wh_err *err, const char *what)
{
    return wh_fail(err, WH_BAD_REQUEST, "malformed roster: %s", what);
}

/* ---- values ---- */

/* A role or an affiliation: a word that names no person by itself. */
static bool id_ok(struct wh_str s)
{
    if (s.n == 0 || s.n > ID_MAX || s.p[0] < 'a' || s.p[0] > 'z') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return true;
}

static bool key_type_ok(struct wh_str type)
{
    return wh_str_is(type, "ssh-ed25519") ||
           wh_str_is(type, "ecdsa-sha2-nistp256") ||
           wh_str_is(type, "sk-ssh-ed25519@openssh.com") ||
           wh_str_is(type, "sk-ecdsa-sha2-nistp256@openssh.com");
}

static struct wh_str text_of(const json_t *v)
{
    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : WH_S("");
}

/* Exactly these members, all there. */
static bool members_ok(const json_t *o, const char *const *keys, size_t n)
{
    if (!json_is_object(o) || json_object_size(o) != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!json_object_get(o, keys[i])) {
            return false;
        }
    }
    return true;
}

static bool int_between(const json_t *v, int64_t lo, int64_t hi, int64_t *out)
{
    *out = json_integer_value(v);
    return json_is_integer(v) && *out >= lo && *out <= hi;
}

/* "sha256:<hex>" or null. */
static bool read_previous(const json_t *v, struct wh_str *out)
{
    struct wh_str s = text_of(v), prefix = WH_S("sha256:");
    uint8_t raw[WH_SHA256_LEN];
    *out = WH_S("");
    if (json_is_null(v)) {
        return true;
    }
    *out = wh_str_sub(s, prefix.n, s.n);
    return wh_str_starts(s, prefix) && wh_hex_dec(*out, raw, sizeof raw, false);
}

/* ---- approvers ---- */

static bool read_key(struct rule_roster *r, size_t approver, const json_t *v,
                     struct wh_err *err)
{
    struct wh_str line = text_of(v), rest = line, type;
    uint8_t blob[KEY_BLOB_MAX];
    size_t n;
    if (r->n_keys == RULE_KEYS_MAX) {
        return bad(err, "more than 32 keys");
    }
    if (!wh_str_cut(&rest, ' ', &type) || !key_type_ok(type) ||
        !wh_base64_dec(rest, blob, sizeof blob, &n) || n == 0) {
        return bad(err, "a key is no line of a public SSH key without comment");
    }
    struct rule_key *k = &r->keys[r->n_keys];
    k->line = line;
    k->approver = approver;
    wh_sha256_hex_of(wh_str_mem(blob, n), k->digest);
    if (rule_roster_key(r, wh_str_of(k->digest)) != SIZE_MAX) {
        return bad(err, "a key stands twice");
    }
    r->n_keys++;
    return true;
}

static bool read_keys(struct rule_roster *r, size_t approver,
                      const json_t *list, struct wh_err *err)
{
    size_t n = json_array_size(list);
    if (n == 0 || n > RULE_KEYS_EACH_MAX) {
        return bad(err, "an approver has 1 to 4 keys");
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        if (i > 0 &&
            wh_str_cmp(text_of(json_array_get(list, i - 1)), text_of(v)) >= 0) {
            return bad(err, "keys are sorted");
        }
        if (!read_key(r, approver, v, err)) {
            return false;
        }
    }
    return true;
}

/* Give the affiliation its number; all of one affiliation are outside, or none
 * is. */
static bool join_group(struct rule_roster *r, struct rule_approver *a,
                       struct wh_err *err)
{
    for (size_t i = 0; i < r->n_approvers; i++) {
        const struct rule_approver *other = &r->approvers[i];
        if (wh_str_eq(other->affiliation, a->affiliation)) {
            a->group = other->group;
            return other->outside == a->outside ||
                   bad(err, "an affiliation is outside as a whole or not at "
                            "all");
        }
    }
    a->group = r->affiliations++;
    return true;
}

static bool read_approver(struct rule_roster *r, const json_t *o,
                          struct wh_err *err)
{
    static const char *const KEYS[] = {"id", "affiliation", "keys", "outside",
                                       "demo"};
    struct rule_approver *a = &r->approvers[r->n_approvers];
    const json_t *outside = json_object_get(o, "outside");
    const json_t *demo = json_object_get(o, "demo");
    if (!members_ok(o, KEYS, sizeof KEYS / sizeof *KEYS) ||
        !json_is_boolean(outside) || !json_is_boolean(demo)) {
        return bad(err, "an approver has id, affiliation, keys, outside, demo");
    }
    *a = (struct rule_approver){.id = text_of(json_object_get(o, "id")),
                                .affiliation =
                                    text_of(json_object_get(o, "affiliation")),
                                .outside = json_is_true(outside),
                                .demo = json_is_true(demo)};
    if (!id_ok(a->id) || !id_ok(a->affiliation)) {
        return bad(err, "ids and affiliations are words of a-z, 0-9 and -");
    }
    if (r->n_approvers > 0 &&
        wh_str_cmp(r->approvers[r->n_approvers - 1].id, a->id) >= 0) {
        return bad(err, "approvers are sorted by id, each once");
    }
    if (!join_group(r, a, err) ||
        !read_keys(r, r->n_approvers, json_object_get(o, "keys"), err)) {
        return false;
    }
    r->n_approvers++;
    return true;
}

static bool read_approvers(struct rule_roster *r, const json_t *list,
                           struct wh_err *err)
{
    size_t n = json_array_size(list);
    if (n == 0 || n > RULE_APPROVERS_MAX) {
        return bad(err, "1 to 32 approvers");
    }
    for (size_t i = 0; i < n; i++) {
        if (!read_approver(r, json_array_get(list, i), err)) {
            return false;
        }
        r->demo = r->demo || r->approvers[i].demo;
    }
    r->self_run = r->affiliations == 1;
    return true;
}

/* ---- quorums ---- */

/* No quorum below the floor, none that can never be reached. */
static bool quorum_ok(const struct rule_roster *r, int64_t q)
{
    return q >= RULE_QUORUM_MIN && (q <= (int64_t)r->affiliations ||
                                    (r->self_run && q == RULE_QUORUM_MIN));
}

static bool read_quorums(struct rule_roster *r, json_t *doc, struct wh_err *err)
{
    json_t *map = json_object_get(doc, "quorums");
    const json_t *base = json_object_get(doc, "quorum");
    int64_t q = json_integer_value(base);
    if (!json_is_integer(base) || !json_is_object(map) || !quorum_ok(r, q)) {
        return bad(err, "the quorum is 2 affiliations at least, and no more "
                        "than there are");
    }
    for (int i = 0; i < RULE_ACT_COUNT; i++) {
        r->quorum[i] = (unsigned)q;
    }
    for (void *i = json_object_iter(map); i;
         i = json_object_iter_next(map, i)) {
        enum rule_act act;
        const json_t *v = json_object_iter_value(i);
        if (!rule_act_of(wh_str_of(json_object_iter_key(i)), &act) ||
            rule_act_row(act)->takes != RULE_TAKES_QUORUM ||
            !json_is_integer(v) || json_integer_value(v) <= q ||
            !quorum_ok(r, json_integer_value(v))) {
            return bad(err, "quorums name acts that take one, and larger "
                            "numbers");
        }
        r->quorum[act] = (unsigned)json_integer_value(v);
    }
    return true;
}

static bool read_cooling(struct rule_roster *r, const json_t *v,
                         struct wh_err *err)
{
    bool all_demo = true;
    for (size_t i = 0; i < r->n_approvers; i++) {
        all_demo = all_demo && r->approvers[i].demo;
    }
    return int_between(v, all_demo ? RULE_COOLING_DEMO_S : RULE_COOLING_MIN_S,
                       RULE_COOLING_MAX_S, &r->cooling_off) ||
           bad(err, "the cooling-off is between 1 and 30 days");
}

static bool read_doc(struct rule_roster *r, struct wh_err *err)
{
    static const char *const KEYS[] = {"v",           "type",     "version",
                                       "previous",    "quorum",   "quorums",
                                       "cooling_off", "approvers"};
    json_t *d = r->doc;
    int64_t v;
    if (!members_ok(d, KEYS, sizeof KEYS / sizeof *KEYS) ||
        !int_between(json_object_get(d, "v"), 1, 1, &v) ||
        !wh_str_is(text_of(json_object_get(d, "type")), "roster") ||
        !int_between(json_object_get(d, "version"), 1, INT32_MAX,
                     &r->version) ||
        !read_previous(json_object_get(d, "previous"), &r->previous) ||
        (r->version == 1) != (r->previous.n == 0)) {
        return bad(err, "v, type, version, previous, cooling_off, quorum, "
                        "quorums, approvers");
    }
    return read_approvers(r, json_object_get(d, "approvers"), err) &&
           read_quorums(r, d, err) &&
           read_cooling(r, json_object_get(d, "cooling_off"), err);
}

bool rule_roster_read(struct wh_arena *a, struct wh_str text,
                      struct rule_roster *out, struct wh_err *err)
{
    struct wh_buf b;
    *out = (struct rule_roster){0};
    if (text.n > RULE_ROSTER_TEXT_MAX) {
        return bad(err, "too large");
    }
    if (!wh_json_parse(a, text, &out->doc, err)) {
        return false;
    }
    wh_buf_init(&b, RULE_ROSTER_TEXT_MAX);
    bool same =
        wh_json_canonical(&b, out->doc, err) && wh_str_eq(wh_buf_str(&b), text);
    wh_buf_done(&b);
    wh_sha256_hex_of(text, out->digest);
    if (!same) {
        *err = (struct wh_err){0};
        return bad(err, "not in canonical form");
    }
    return read_doc(out, err);
}

size_t rule_roster_key(const struct rule_roster *r, struct wh_str digest)
{
    for (size_t i = 0; i < r->n_keys; i++) {
        if (wh_str_is(digest, r->keys[i].digest)) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t rule_roster_approver(const struct rule_roster *r, struct wh_str id)
{
    for (size_t i = 0; i < r->n_approvers; i++) {
        if (wh_str_eq(id, r->approvers[i].id)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* ---- weighing ---- */

void rule_roster_weigh(const struct rule_roster *r, uint32_t keys,
                       struct rule_weight *out)
{
    bool approver[RULE_APPROVERS_MAX] = {false};
    bool group[RULE_APPROVERS_MAX] = {false};
    *out = (struct rule_weight){0};
    for (size_t i = 0; i < r->n_keys; i++) {
        if (!(keys & (UINT32_C(1) << i))) {
            continue;
        }
        size_t who = r->keys[i].approver, g = r->approvers[who].group;
        out->approvers += approver[who] ? 0 : 1;
        out->affiliations += group[g] ? 0 : 1;
        out->outside = out->outside || r->approvers[who].outside;
        approver[who] = group[g] = true;
    }
}

bool rule_roster_enough(const struct rule_roster *r, enum rule_act act,
                        uint32_t keys, bool last, struct wh_err *err)
{
    struct rule_weight w;
    rule_roster_weigh(r, keys, &w);
    switch (rule_act_row(act)->takes) {
    case RULE_TAKES_NOBODY:
        return wh_fail(err, WH_FORBIDDEN, "nobody decides that");
    case RULE_TAKES_ONE:
        return w.approvers > 0 ||
               wh_fail(err, WH_FORBIDDEN, "that takes an approver");
    case RULE_TAKES_QUORUM:
        break;
    }
    if (r->self_run && act == RULE_ACT_ROSTER) {
        return w.approvers == r->n_approvers ||
               wh_fail(err, WH_FORBIDDEN,
                       "a self-run roster changes by all of its approvers: "
                       "%u of %zu signed",
                       w.approvers, r->n_approvers);
    }
    if (w.affiliations < r->quorum[act] || w.affiliations < RULE_QUORUM_MIN) {
        return wh_fail(err, WH_FORBIDDEN,
                       "that takes approvers of %u affiliations; so far it is "
                       "%u",
                       r->quorum[act], w.affiliations);
    }
    return !last || w.outside ||
           wh_fail(err, WH_FORBIDDEN,
                   "the last renewal takes an approver from outside");
}

/* Every key of next that now does not have has signed. */
static bool new_keys_signed(const struct rule_roster *now,
                            const struct rule_roster *next, uint32_t by_next)
{
    for (size_t i = 0; i < next->n_keys; i++) {
        bool known =
            now &&
            rule_roster_key(now, wh_str_of(next->keys[i].digest)) != SIZE_MAX;
        if (!known && !(by_next & (UINT32_C(1) << i))) {
            return false;
        }
    }
    return true;
}

bool rule_roster_follows(const struct rule_roster *now,
                         const struct rule_roster *next, uint32_t by_now,
                         uint32_t by_next, struct wh_err *err)
{
    int64_t version = now ? now->version + 1 : 1;
    struct wh_str previous = now ? wh_str_of(now->digest) : WH_S("");
    if (next->version != version || !wh_str_eq(next->previous, previous)) {
        return wh_fail(err, WH_CONFLICT,
                       "the roster does not follow the one in force");
    }
    if (now && !rule_roster_enough(now, RULE_ACT_ROSTER, by_now, false, err)) {
        return false;
    }
    return new_keys_signed(now, next, by_next) ||
           wh_fail(err, WH_FORBIDDEN,
                   now ? "every new key has to sign"
                       : "the founding roster is signed by every key in it");
}
