/* Unit tests of rule/roster.h, statement.h and approval.h: what may be signed,
 * and what a set of signatures carries. Signatures are played: "KEY NS DIGEST".
 */
#include "base/enc.h"
#include "base/unit.h"
#include "rule/approval.h"
#include "rule/floor.h"

#include <stdlib.h>

#define DAY RULE_DAY_S
#define NOW INT64_C(1795456800) /* 2026-11-23T18:00:00Z */
#define SUBJECT \
    "1111111111111111111111111111111111111111111111111111111111111111"
#define EVIDENCE \
    "2222222222222222222222222222222222222222222222222222222222222222"
#define LINE "3333333333333333333333333333333333333333333333333333333333333333"
#define OTHER "4444444444444444444444444444444444444444444444444444444444444444"
#define ROOT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ORIGIN "weighhouse.local/0123456789abcdef"

static int open_arena(void **state)
{
    static struct wh_arena a;
    wh_arena_init(&a, 16U << 20);
    *state = &a;
    return 0;
}

static int close_arena(void **state)
{
    wh_arena_done(*state);
    return 0;
}

/* ---- rosters ---- */

/* Who is on a roster: "id affiliation key outside demo", a line each. */
static struct wh_str write_roster(struct wh_arena *a, int version,
                                  const char *previous, int quorum,
                                  int64_t cooling, const char *people)
{
    json_t *doc = wh_json_own(a, json_object()), *list = json_array();
    struct wh_str rest = wh_str_of(people), line;
    struct wh_buf b;
    struct wh_err err;
    while (rest.n > 0) {
        struct wh_str id, affiliation, keys, key, outside;
        json_t *o = json_object(), *all = json_array();
        (void)wh_str_cut(&rest, '\n', &line);
        (void)wh_str_cut(&line, ' ', &id);
        (void)wh_str_cut(&line, ' ', &affiliation);
        (void)wh_str_cut(&line, ' ', &keys);
        (void)wh_str_cut(&line, ' ', &outside);
        while (keys.n > 0) {
            (void)wh_str_cut(&keys, ',', &key);
            json_array_append_new(
                all,
                wh_json_str(wh_arena_fmt(a, "ssh-ed25519 %.*s", WH_FMT(key))));
        }
        json_object_set_new(o, "id", wh_json_str(id));
        json_object_set_new(o, "affiliation", wh_json_str(affiliation));
        json_object_set_new(o, "keys", all);
        json_object_set_new(o, "outside",
                            json_boolean(wh_str_is(outside, "outside")));
        json_object_set_new(o, "demo", json_boolean(wh_str_is(line, "demo")));
        json_array_append_new(list, o);
    }
    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "type", json_string("roster"));
    json_object_set_new(doc, "version", json_integer(version));
    json_object_set_new(doc, "previous",
                        previous ? json_sprintf("sha256:%s", previous)
                                 : json_null());
    json_object_set_new(doc, "quorum", json_integer(quorum));
    json_object_set_new(doc, "quorums", json_object());
    json_object_set_new(doc, "cooling_off", json_integer(cooling));
    json_object_set_new(doc, "approvers", list);
    wh_buf_init(&b, RULE_ROSTER_TEXT_MAX);
    unit_ok(wh_json_canonical(&b, doc, &err), err);
    struct wh_str s = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    return s;
}

#define FOUR                                                \
    "ada north AAAA,AAAB in real\nbea north BBBB in real\n" \
    "cid south CCCC in real\ndan west DDDD outside real"

static struct rule_roster *read_roster(struct wh_arena *a, struct wh_str text)
{
    struct rule_roster *r = WH_NEW(a, struct rule_roster);
    struct wh_err err;
    unit_ok(rule_roster_read(a, text, r, &err), err);
    return r;
}

static void reads_a_roster(void **state)
{
    struct rule_roster *r =
        read_roster(*state, write_roster(*state, 1, NULL, 2, DAY, FOUR));
    assert_int_equal(r->n_approvers, 4);
    assert_int_equal(r->n_keys, 5);
    assert_int_equal(r->affiliations, 3);
    assert_false(r->self_run);
    assert_false(r->demo);
    assert_int_equal(r->quorum[RULE_ACT_OPEN], 2);
    r = read_roster(
        *state, write_roster(*state, 1, NULL, 2, 1, "ada north AAAA in demo"));
    assert_true(r->self_run);
    assert_true(r->demo);
}

static void rosters_refused(void **state)
{
    struct wh_arena *a = *state;
    const struct {
        const char *what;
        struct wh_str text;
    } ROWS[] = {
        {"a quorum of one", write_roster(a, 1, NULL, 1, DAY, FOUR)},
        {"a quorum that none reaches", write_roster(a, 1, NULL, 4, DAY, FOUR)},
        {"three in a self-run house",
         write_roster(a, 1, NULL, 3, DAY, "ada north AAAA in real")},
        {"no cooling-off", write_roster(a, 1, NULL, 2, 0, FOUR)},
        {"an hour of it", write_roster(a, 1, NULL, 2, 3600, FOUR)},
        {"for one demo approver",
         write_roster(a, 1, NULL, 2, 1,
                      "ada north AAAA in demo\nbea south BBBB in real")},
        {"too long a one", write_roster(a, 1, NULL, 2, 31 * DAY, FOUR)},
        {"nobody", write_roster(a, 1, NULL, 2, DAY, "")},
        {"not sorted", write_roster(a, 1, NULL, 2, DAY,
                                    "bea north BBBB in x\nada s AAAA in x")},
        {"twice the same",
         write_roster(a, 1, NULL, 2, DAY,
                      "ada north BBBB in x\nada s AAAA in x")},
        {"one key for two",
         write_roster(a, 1, NULL, 2, DAY, "ada n AAAA in x\nbea s AAAA in x")},
        {"a name of a person",
         write_roster(a, 1, NULL, 2, DAY, "Ada n AAAA in x\nbea s BBBB in x")},
        {"half outside",
         write_roster(
             a, 1, NULL, 2, DAY,
             "ada n AAAA in x\nbea n BBBB outside x\ncid s CCCC in x")},
        {"a broken key",
         write_roster(a, 1, NULL, 2, DAY, "ada n A in x\nbea s BBBB in x")},
        {"no key",
         write_roster(a, 1, NULL, 2, DAY, "ada n  in x\nbea s BBBB in x")},
        {"a later one without the one before",
         write_roster(a, 2, NULL, 2, DAY, FOUR)},
        {"a first one with one before",
         write_roster(a, 1, SUBJECT, 2, DAY, FOUR)},
        {"not canonical",
         wh_arena_fmt(a, "%.*s ",
                      WH_FMT(write_roster(a, 1, NULL, 2, DAY, FOUR)))},
        {"no object", WH_S("[]")},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct wh_err err = {0};
        struct rule_roster *r = WH_NEW(a, struct rule_roster);
        if (rule_roster_read(a, ROWS[i].text, r, &err)) {
            print_error("%s was taken\n", ROWS[i].what);
            fail();
        }
        assert_string_equal(wh_err_row(err.code)->name, "BAD_REQUEST");
    }
}

/* Bits by the first letters of the keys: A is ada's first, a her second. */
static uint32_t keys_of(const struct rule_roster *r, const char *who)
{
    uint32_t set = 0;
    for (; *who; who++) {
        for (size_t i = 0; i < r->n_keys; i++) {
            struct wh_str line = r->keys[i].line;
            char last = line.p[line.n - 1];
            bool second = line.p[line.n - 2] != last;
            char name = second ? 'a' : last;
            set |= name == *who ? UINT32_C(1) << i : 0;
        }
    }
    return set;
}

static void affiliations_count(void **state)
{
    struct rule_roster *r =
        read_roster(*state, write_roster(*state, 1, NULL, 2, DAY, FOUR));
    struct rule_roster *own = read_roster(
        *state, write_roster(*state, 1, NULL, 2, DAY,
                             "ada n AAAA in x\nbea n BBBB in x\ncid n CCCC in "
                             "x\ndan n DDDD in x"));
    const struct {
        const struct rule_roster *r;
        enum rule_act act;
        const char *who;
        bool last, enough;
    } ROWS[] = {
        {r, RULE_ACT_OPEN, "", false, false},
        {r, RULE_ACT_OPEN, "A", false, false},
        {r, RULE_ACT_OPEN, "Aa", false, false}, /* one person, two keys */
        {r, RULE_ACT_OPEN, "AB", false, false}, /* one house, two persons */
        {r, RULE_ACT_OPEN, "AaB", false, false},
        {r, RULE_ACT_OPEN, "AC", false, true},
        {r, RULE_ACT_OPEN, "CD", false, true},
        {r, RULE_ACT_CLOSE, "", false, false},
        {r, RULE_ACT_CLOSE, "B", false, true},
        {r, RULE_ACT_RENEW, "AC", true, false}, /* nobody from outside */
        {r, RULE_ACT_RENEW, "AD", true, true},
        {r, RULE_ACT_LAPSE, "ABCD", false, false},
        {r, RULE_ACT_ROSTER, "AB", false, false},
        {r, RULE_ACT_ROSTER, "AC", false, true},
        {own, RULE_ACT_OPEN, "ABCD", false, false},
        {own, RULE_ACT_HOST, "ABCD", false, false},
        {own, RULE_ACT_RATIFY, "ABCD", false, false},
        {own, RULE_ACT_LINES, "ABCD", false, false},
        {own, RULE_ACT_CLOSE, "D", false, true},
        {own, RULE_ACT_ROSTER, "ABC", false, false},
        {own, RULE_ACT_ROSTER, "ABCD", false, true},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct wh_err err = {0};
        if (rule_roster_enough(ROWS[i].r, ROWS[i].act,
                               keys_of(ROWS[i].r, ROWS[i].who), ROWS[i].last,
                               &err) != ROWS[i].enough) {
            print_error("row %zu: %s\n", i, err.msg);
            fail();
        }
    }
}

static void rosters_follow(void **state)
{
    struct wh_arena *a = *state;
    struct wh_err err;
    struct rule_roster *one =
        read_roster(a, write_roster(a, 1, NULL, 2, DAY, FOUR));
    struct rule_roster *two = read_roster(
        a, write_roster(a, 2, one->digest, 2, DAY,
                        "ada north AAAA in real\ncid south CCCC in real\n"
                        "eve east EEEE in real"));
    struct rule_roster *skip =
        read_roster(a, write_roster(a, 3, one->digest, 2, DAY, FOUR));
    struct rule_roster *forged =
        read_roster(a, write_roster(a, 2, SUBJECT, 2, DAY, FOUR));
    unit_ok(rule_roster_follows(NULL, one, 0, keys_of(one, "AaBCD"), &err),
            err);
    unit_fails(rule_roster_follows(NULL, one, 0, keys_of(one, "ABCD"), &err),
               err, WH_FORBIDDEN);
    unit_fails(rule_roster_follows(NULL, two, 0, keys_of(two, "ACE"), &err),
               err, WH_CONFLICT);
    unit_ok(rule_roster_follows(one, two, keys_of(one, "BC"), keys_of(two, "E"),
                                &err),
            err);
    unit_fails(rule_roster_follows(one, two, keys_of(one, "BC"), 0, &err), err,
               WH_FORBIDDEN);
    unit_fails(rule_roster_follows(one, two, keys_of(one, "AB"),
                                   keys_of(two, "E"), &err),
               err, WH_FORBIDDEN);
    unit_fails(rule_roster_follows(one, skip, UINT32_MAX, UINT32_MAX, &err),
               err, WH_CONFLICT);
    unit_fails(rule_roster_follows(one, forged, UINT32_MAX, UINT32_MAX, &err),
               err, WH_CONFLICT);
}

/* ---- statements ---- */

static struct rule_statement opening(const struct rule_roster *r)
{
    struct rule_statement s = {.act = RULE_ACT_OPEN,
                               .origin = WH_S(ORIGIN),
                               .tree_size = 42,
                               .tree_root = WH_S(ROOT),
                               .roster = 1,
                               .roster_digest = wh_str_of(r->digest),
                               .subject = WH_S(SUBJECT),
                               .evidence = WH_S(EVIDENCE),
                               .lines = {WH_S(LINE)},
                               .n_lines = 1,
                               .rules = {WH_S("limited.default/compute")},
                               .n_rules = 1,
                               .replaces = 41,
                               .made = NOW,
                               .not_before = NOW + DAY,
                               .not_after = NOW + 15 * DAY,
                               .nonce =
                                   WH_S("00112233445566778899aabbccddeeff"),
                               .reasons = {WH_S("examined, see the report")},
                               .n_reasons = 1};
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        s.tiers.part[p] = RULE_TIER_OPEN;
    }
    return s;
}

static struct wh_str text_of(struct wh_arena *a, const struct rule_statement *s)
{
    struct wh_buf b;
    wh_buf_init(&b, RULE_STATEMENT_MAX * 2);
    rule_statement_write(s, &b);
    struct wh_str t = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    return t;
}

static void one_text(void **state)
{
    struct rule_roster *r =
        read_roster(*state, write_roster(*state, 1, NULL, 2, DAY, FOUR));
    struct rule_statement s = opening(r), again;
    struct wh_err err;
    struct wh_str t = text_of(*state, &s);
    unit_str(t,
             wh_arena_cstr(
                 *state,
                 wh_arena_fmt(
                     *state,
                     "weighhouse decision v1\norigin " ORIGIN "\ntree 42 " ROOT
                     "\nroster 1 sha256:%s\nact open\nsubject sha256:" SUBJECT
                     "\ntiers data=open software=open source=open "
                     "weights=open\nevidence sha256:" EVIDENCE
                     "\nline sha256:" LINE "\nrule limited.default/compute\n"
                     "replaces 41\nmade 2026-11-23T18:00:00Z\nnot-before "
                     "2026-11-24T18:00:00Z\nnot-after 2026-12-08T18:00:00Z\n"
                     "until -\nnonce 00112233445566778899aabbccddeeff\n"
                     "confirm this cannot be taken back: open "
                     "1111111111111111\nreason examined, see the report\n",
                     r->digest)));
    unit_ok(rule_statement_read(t, &again, &err), err);
    assert_int_equal(again.act, RULE_ACT_OPEN);
    assert_int_equal(again.not_after, NOW + 15 * DAY);
    for (size_t i = 0; i < t.n; i++) { /* cut anywhere it is no statement */
        assert_false(rule_statement_read(wh_str_sub(t, 0, i), &again, &err));
    }
}

static void statements_refused(void **state)
{
    struct rule_roster *r =
        read_roster(*state, write_roster(*state, 1, NULL, 2, DAY, FOUR));
    struct rule_statement s = opening(r), read;
    struct wh_str t = text_of(*state, &s);
    static const struct {
        const char *from, *to;
    } ROWS[] = {
        {"decision v1", "decision v2"},
        {"act open", "act host"}, /* other tiers, no confirmation */
        {"act open", "act lapse"},
        {"act open", "act nothing"},
        {"act open\n", "act open\nact open\n"},
        {"weights=open", "weights=hosted"},
        {"weights=open", "weights=pass"},
        {"data=open software", "software=open data"},
        {"tree 42", "tree 042"},
        {"tree 42", "tree 0"},
        {"roster 1 ", "roster 0 "},
        {"subject sha256:1", "subject sha256:g"},
        {"subject sha256:" SUBJECT, "subject -"},
        {"evidence sha256:" EVIDENCE, "evidence -"},
        {"line sha256:" LINE "\n", ""},
        {"line sha256:" LINE "\n",
         "line sha256:" LINE "\nline sha256:" LINE "\n"},
        {"rule limited.default/compute", "rule Ada Lovelace"},
        {"rule limited.default/compute", "rule compute"},
        {"replaces 41", "replaces -"},
        {"replaces 41", "replaces 041"},
        {"made 2026-11-23T18:00:00Z", "made 2026-11-23T18:00:00.000Z"},
        {"not-before 2026-11-24", "not-before 2026-11-22"},
        {"not-after 2026-12-08", "not-after 2026-11-24"},
        {"not-after 2026-12-08", "not-after 2027-12-08"},
        {"until -", "until 2026-12-30T00:00:00Z"},
        {"nonce 00", "nonce "},
        {"confirm this", "confirm That"},
        {"back: open 1", "back: open 2"},
        {"reason examined, see the report\n", ""},
        {"reason examined", "reason  examined"},
        {"report\n", "report"},
        {"report\n", "report\r\n"},
        {"report\n", "report\n\n"},
        {"report\n", "r\xc3\xa9port\n"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct wh_err err = {0};
        size_t at = wh_str_find_str(t, wh_str_of(ROWS[i].from));
        assert_int_not_equal(at, SIZE_MAX);
        size_t end = at + strlen(ROWS[i].from);
        struct wh_str other =
            wh_arena_fmt(*state, "%.*s%s%.*s", (int)at, t.p, ROWS[i].to,
                         (int)(t.n - end), t.p + end);
        if (rule_statement_read(other, &read, &err)) {
            print_error("%s -> %s was taken\n", ROWS[i].from, ROWS[i].to);
            fail();
        }
        assert_string_equal(wh_err_row(err.code)->name, "BAD_REQUEST");
    }
}

/* Nothing is closed without an end, nor for longer than its act may. */
static void ends(void **state)
{
    struct rule_roster *r =
        read_roster(*state, write_roster(*state, 1, NULL, 2, DAY, FOUR));
    static const struct {
        enum rule_act act;
        enum rule_tier weights;
        int64_t until;
        bool good;
    } ROWS[] = {
        {RULE_ACT_CLOSE, RULE_TIER_HELD, RULE_EMERGENCY_S, true},
        {RULE_ACT_CLOSE, RULE_TIER_HELD, RULE_EMERGENCY_S + 1, false},
        {RULE_ACT_CLOSE, RULE_TIER_HELD, 0, false},
        {RULE_ACT_CLOSE, RULE_TIER_OPEN, RULE_EMERGENCY_S, false},
        {RULE_ACT_RATIFY, RULE_TIER_HELD, RULE_HOLD_MAX_S, true},
        {RULE_ACT_RATIFY, RULE_TIER_HELD, RULE_HOLD_MAX_S + 1, false},
        {RULE_ACT_RENEW, RULE_TIER_HELD, RULE_HOLD_MAX_S, true},
        {RULE_ACT_RENEW, RULE_TIER_HELD, 0, false},
        {RULE_ACT_RECALL, RULE_TIER_HELD, RULE_HOLD_MAX_S, true},
        {RULE_ACT_HOST, RULE_TIER_HOSTED, RULE_GRANT_MAX_S, true},
        {RULE_ACT_HOST, RULE_TIER_HOSTED, 0, false},
        {RULE_ACT_HOST, RULE_TIER_OPEN, RULE_GRANT_MAX_S, false},
        {RULE_ACT_GATE, RULE_TIER_GATED, RULE_GRANT_MAX_S, true},
        {RULE_ACT_LIFT, RULE_TIER_OPEN, 0, true},
        {RULE_ACT_LIFT, RULE_TIER_HELD, 0, false},
        {RULE_ACT_LIFT, RULE_TIER_HELD, DAY, true},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct rule_statement s = opening(r), read;
        struct wh_err err = {0};
        s.act = ROWS[i].act;
        s.tiers.part[RULE_PART_WEIGHTS] = ROWS[i].weights;
        s.until = ROWS[i].until ? NOW + ROWS[i].until : 0;
        if (rule_statement_read(text_of(*state, &s), &read, &err) !=
            ROWS[i].good) {
            print_error("row %zu: %s\n", i, err.msg);
            fail();
        }
    }
}

static void facts(void **state)
{
    struct rule_roster *r =
        read_roster(*state, write_roster(*state, 1, NULL, 2, DAY, FOUR));
    struct rule_roster *r2 =
        read_roster(*state, write_roster(*state, 2, r->digest, 2, DAY, FOUR));
    const struct wh_str one[] = {WH_S(LINE)}, two[] = {WH_S(LINE), WH_S(OTHER)};
    struct rule_statement s = opening(r);
    const struct rule_facts good = {.origin = WH_S(ORIGIN),
                                    .subject = WH_S(SUBJECT),
                                    .evidence = WH_S(EVIDENCE),
                                    .lines = one,
                                    .n_lines = 1,
                                    .roster = r,
                                    .size = 42,
                                    .now = NOW + DAY,
                                    .effect = true};
    struct wh_err err;
    unit_ok(rule_statement_fits(&s, &good, &err), err);
    struct rule_facts f = good;
    f.origin = WH_S("weighhouse.local/ffffffffffffffff");
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
    f = good;
    f.subject = WH_S(OTHER);
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
    f = good;
    f.evidence = WH_S(OTHER);
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
    f = good;
    f.roster = r2;
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
    f.roster = NULL;
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
    f = good;
    f.lines = two;
    f.n_lines = 2;
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
    f = good;
    f.size = 41;
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
    f = good;
    f.now = NOW + DAY - 1;
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
    f.effect = false; /* it may be signed already */
    unit_ok(rule_statement_fits(&s, &f, &err), err);
    f.now = NOW - 1;
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
    f.now = NOW + 15 * DAY;
    unit_fails(rule_statement_fits(&s, &f, &err), err, WH_FORBIDDEN);
}

/* ---- signatures ---- */

/* "KEY NS DIGEST": the digest of a key's base64, a namespace, a message. */
static bool verify(void *ctx, struct wh_str sig, struct wh_str ns,
                   struct wh_str message, char key[WH_SHA256_HEX + 1],
                   struct wh_err *err)
{
    struct wh_str rest = sig, who, space;
    char digest[WH_SHA256_HEX + 1];
    (void)ctx;
    wh_sha256_hex_of(message, digest);
    if (!wh_str_cut(&rest, ' ', &who) || who.n != WH_SHA256_HEX ||
        !wh_str_cut(&rest, ' ', &space) || !wh_str_eq(space, ns) ||
        !wh_str_is(rest, digest)) {
        return wh_fail(err, WH_FORBIDDEN, "not a signature");
    }
    memcpy(key, who.p, who.n);
    key[who.n] = '\0';
    return true;
}

static struct rule_signature sign(struct wh_arena *a,
                                  const struct rule_roster *r, char who,
                                  const char *approver, const char *ns,
                                  struct wh_str text)
{
    char digest[WH_SHA256_HEX + 1], name[2] = {who, '\0'};
    uint32_t bit = keys_of(r, name);
    size_t i = 0;
    wh_sha256_hex_of(text, digest);
    while (!(bit & (UINT32_C(1) << i))) {
        i++;
    }
    return (struct rule_signature){
        wh_str_of(approver),
        wh_arena_fmt(a, "%s %s %s", r->keys[i].digest, ns, digest)};
}

static void signatures(void **state)
{
    struct wh_arena *a = *state;
    struct rule_roster *r =
        read_roster(a, write_roster(a, 1, NULL, 2, DAY, FOUR));
    struct rule_statement s = opening(r);
    struct wh_str t = text_of(a, &s), other;
    const struct rule_verifier v = {verify, NULL};
    struct rule_signers out;
    struct wh_err err;
    s.replaces = 40;
    other = text_of(a, &s);
    struct rule_signature ada = sign(a, r, 'A', "ada", RULE_NS_DECISION, t);
    struct rule_signature ada2 = sign(a, r, 'a', "ada", RULE_NS_DECISION, t);
    struct rule_signature cid = sign(a, r, 'C', "cid", RULE_NS_DECISION, t);
    const struct {
        const char *what;
        struct rule_signature sigs[3];
        size_t n;
        enum wh_code code;
    } ROWS[] = {
        {"two", {cid, ada}, 2, WH_NONE},
        {"two keys of one", {ada2, ada}, 2, WH_NONE},
        {"none", {ada}, 0, WH_BAD_REQUEST},
        {"double", {ada, ada}, 2, WH_FORBIDDEN},
        {"somebody else's name",
         {sign(a, r, 'A', "cid", RULE_NS_DECISION, t), ada2},
         2,
         WH_FORBIDDEN},
        {"an objection",
         {ada, sign(a, r, 'C', "cid", RULE_NS_DISSENT, t)},
         2,
         WH_FORBIDDEN},
        {"another statement",
         {ada, sign(a, r, 'C', "cid", RULE_NS_DECISION, other)},
         2,
         WH_FORBIDDEN},
        {"a stranger",
         {ada,
          {WH_S("cid"), wh_arena_fmt(a, "%s %s x", SUBJECT, RULE_NS_DECISION)}},
         2,
         WH_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct rule_signature sigs[3];
        struct wh_str doc;
        err = (struct wh_err){0};
        memcpy(sigs, ROWS[i].sigs, sizeof sigs);
        unit_ok(rule_signatures_write(a, t, sigs, ROWS[i].n, &doc, &err), err);
        bool ok = rule_signatures_read(a, doc, t, r, NULL, &v, &out, &err);
        if (ok != (ROWS[i].code == WH_NONE) || err.code != ROWS[i].code) {
            print_error("%s: %s\n", ROWS[i].what, err.msg);
            fail();
        }
        assert_false(
            rule_signatures_read(a, doc, other, r, NULL, &v, &out, &err));
    }
}

/* A change of the roster is signed by keys of both. */
static void signatures_of_two_rosters(void **state)
{
    struct wh_arena *a = *state;
    struct rule_roster *one =
        read_roster(a, write_roster(a, 1, NULL, 2, DAY, FOUR));
    struct rule_roster *two = read_roster(
        a, write_roster(a, 2, one->digest, 2, DAY,
                        "ada north AAAA in real\neve east EEEE in real"));
    struct rule_statement s = opening(one);
    const struct rule_verifier v = {verify, NULL};
    struct rule_signers out;
    struct wh_err err;
    s.act = RULE_ACT_ROSTER;
    s.subject = wh_str_of(two->digest);
    s.evidence = WH_S("");
    s.n_lines = s.n_rules = 0;
    struct wh_str t = text_of(a, &s), doc;
    struct rule_statement read;
    unit_ok(rule_statement_read(t, &read, &err), err);
    struct rule_signature sigs[] = {
        sign(a, one, 'A', "ada", RULE_NS_DECISION, t),
        sign(a, one, 'C', "cid", RULE_NS_DECISION, t),
        sign(a, two, 'E', "eve", RULE_NS_DECISION, t)};
    unit_ok(rule_signatures_write(a, t, sigs, 3, &doc, &err), err);
    unit_ok(rule_signatures_read(a, doc, t, one, two, &v, &out, &err), err);
    unit_ok(rule_roster_follows(one, two, out.now, out.next, &err), err);
    unit_fails(rule_signatures_read(a, doc, t, one, NULL, &v, &out, &err), err,
               WH_FORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_roster),
        cmocka_unit_test(rosters_refused),
        cmocka_unit_test(affiliations_count),
        cmocka_unit_test(rosters_follow),
        cmocka_unit_test(one_text),
        cmocka_unit_test(statements_refused),
        cmocka_unit_test(ends),
        cmocka_unit_test(facts),
        cmocka_unit_test(signatures),
        cmocka_unit_test(signatures_of_two_rosters),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
