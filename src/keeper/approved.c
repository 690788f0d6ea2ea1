/*
 * approved.c - the whole of an approval once more, from the founding roster on.
 *
 * Front may be lying, so nothing here is looked up: rosters come as a chain
 * whose every link is an entry of the register, signed by the quorum of the
 * link before. What front could still do is to leave out the newest links; the
 * pin remembers how far the chain once went.
 */
#include "keeper/approved.h"
#include "crypto/sshsig.h"
#include "rule/approval.h"
#include "tlog/proof.h"

struct chain {
    struct rule_roster rosters[KEEPER_ROSTERS_MAX];
    uint64_t index[KEEPER_ROSTERS_MAX]; /* of their leaves */
    size_t n;
};

static bool papers(struct wh_err *err, const char *why)
{
    return wh_fail(err, WH_FORBIDDEN, "%s", why);
}

/* ---- values ---- */

static struct wh_str text_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : WH_S("");
}

/* Is the member "sha256:" and the digest of these bytes? */
static bool names(struct wh_arena *a, const json_t *leaf, const char *key,
                  struct wh_str bytes)
{
    char digest[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(bytes, digest);
    return wh_str_eq(text_of(leaf, key), wh_arena_fmt(a, "sha256:%s", digest));
}

static bool is_int(const json_t *leaf, const char *key, uint64_t want)
{
    const json_t *v = json_object_get(leaf, key);
    return json_is_integer(v) && json_integer_value(v) == (json_int_t)want;
}

static int64_t int_of(const json_t *leaf, const char *key)
{
    return json_integer_value(json_object_get(leaf, key));
}

static const struct rule_verifier VERIFIER = {crypto_sshsig_check, NULL};

/* ---- entries of the register ---- */

/* The leaf, once it is shown to be an entry; *size: of the checkpoint
 * that covers it. */
static bool entry_at(const struct keeper_claim *c, struct wh_str leaf,
                     struct wh_str proof_text, const char *type, json_t **out,
                     uint64_t *index, uint64_t *size, struct wh_err *err)
{
    struct tlog_proof *proof = WH_NEW(c->a, struct tlog_proof);
    struct tlog_checkpoint cp;
    struct tlog_hash hash;
    tlog_hash_leaf(leaf, &hash);
    if (!tlog_proof_parse(proof_text, proof, err) ||
        !tlog_proof_verify(proof, &hash, c->log, &cp, err) ||
        !keeper_horizon_take(c->horizon, &cp, err) ||
        !wh_json_parse(c->a, leaf, out, err)) {
        return false;
    }
    *index = proof->index;
    *size = cp.size;
    return wh_str_is(text_of(*out, "type"), type) ||
           papers(err, "an entry of the register is of another type");
}

static bool entry(const struct keeper_claim *c, struct wh_str leaf,
                  struct wh_str proof_text, const char *type, json_t **out,
                  uint64_t *index, struct wh_err *err)
{
    uint64_t size;
    return entry_at(c, leaf, proof_text, type, out, index, &size, err);
}

/* ---- the chain of rosters ---- */

/* The statement that put a roster into force, and its signatures. */
static bool link_ok(const struct keeper_claim *c, const struct keeper_step *s,
                    const json_t *leaf, uint64_t size,
                    const struct rule_roster *before,
                    const struct rule_roster *next, struct wh_err *err)
{
    struct rule_statement st;
    struct rule_signers who;
    int64_t t = int_of(leaf, "t");
    if (!names(c->a, leaf, "roster", s->roster) ||
        !names(c->a, leaf, "statement", s->statement) ||
        !names(c->a, leaf, "signatures", s->signatures)) {
        return papers(err, "a roster is not the one of its entry");
    }
    if (!rule_statement_read(s->statement, &st, err)) {
        return false;
    }
    const struct rule_facts f = {.origin = wh_str_of(c->log->name),
                                 .subject = wh_str_of(next->digest),
                                 .evidence = WH_S(""),
                                 .roster = before,
                                 .size = size,
                                 .now = t,
                                 .effect = true};
    return (st.act == RULE_ACT_ROSTER ||
            papers(err, "a roster was not put into force by a statement about "
                        "it")) &&
           rule_statement_fits(&st, &f, err) &&
           rule_signatures_read(c->a, s->signatures, s->statement, before, next,
                                &VERIFIER, &who, err) &&
           rule_roster_follows(before, next, who.now, who.next, err);
}

static bool read_chain(const struct keeper_claim *c,
                       const struct keeper_step *steps, size_t n,
                       struct chain *out, struct wh_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct keeper_step *s = &steps[i];
        const struct rule_roster *before = i > 0 ? &out->rosters[i - 1] : NULL;
        json_t *leaf = NULL;
        uint64_t size = 0;
        if (!entry_at(c, s->leaf, s->proof, "roster", &leaf, &out->index[i],
                      &size, err) ||
            !rule_roster_read(c->a, s->roster, &out->rosters[i], err) ||
            !link_ok(c, s, leaf, size, before, &out->rosters[i], err)) {
            return false;
        }
        if (i > 0 && out->index[i] <= out->index[i - 1]) {
            return papers(err, "the rosters are not in the register's order");
        }
    }
    out->n = n;
    return true;
}

static bool remember(const struct keeper_claim *c, const struct rule_roster *r,
                     struct wh_err *err)
{
    json_t *e = json_object();
    json_object_set_new(e, "op", json_string("roster"));
    json_object_set_new(e, "roster", json_integer((json_int_t)r->version));
    json_object_set_new(e, "sha256", json_string(r->digest));
    if (c->size > 0) {
        json_object_set_new(e, "checkpoint", json_integer((json_int_t)c->size));
    }
    if (!keeper_ledger_append(c->ledger, e, err)) {
        return false;
    }
    c->pin->version = r->version;
    memcpy(c->pin->digest, r->digest, sizeof r->digest);
    return true;
}

/* The chain goes at least as far as any before, and through the same roster. */
static bool hold_to_pin(const struct keeper_claim *c, const struct chain *ch,
                        struct wh_err *err)
{
    struct keeper_pin *pin = c->pin;
    bool ok = true;
    pthread_mutex_lock(&pin->lock);
    if (pin->version > (int64_t)ch->n) {
        ok = wh_fail(err, WH_ROLLED_BACK,
                     "a later roster than these was shown before");
    } else if (pin->version > 0 &&
               strcmp(ch->rosters[pin->version - 1].digest, pin->digest) != 0) {
        ok = wh_fail(err, WH_CORRUPT,
                     "another roster of this version was shown before");
    } else if ((int64_t)ch->n > pin->version) {
        ok = remember(c, &ch->rosters[ch->n - 1], err);
    }
    pthread_mutex_unlock(&pin->lock);
    return ok;
}

/* ---- the decision ---- */

/* The roster that was in force when this entry was logged, if it names it. */
static const struct rule_roster *in_force(const struct chain *ch,
                                          const json_t *leaf, uint64_t index)
{
    const struct rule_roster *r = NULL;
    for (size_t i = 0; i < ch->n && ch->index[i] < index; i++) {
        r = is_int(leaf, "roster", ch->index[i]) ? &ch->rosters[i] : NULL;
    }
    return r;
}

static bool same_tiers(const json_t *leaf, const struct rule_statement *st)
{
    const json_t *tiers = json_object_get(leaf, "tiers");
    for (int p = 0; p < RULE_PART_COUNT; p++) {
        if (!wh_str_is(text_of(tiers, rule_part_word((enum rule_part)p)),
                       rule_tier_word(st->tiers.part[p]))) {
            return false;
        }
    }
    return true;
}

/* The decision says what the statement says, and the statement opens. */
static bool same_words(const struct keeper_claim *c,
                       const struct keeper_bundle *b,
                       const struct rule_statement *st, struct wh_err *err)
{
    const json_t *until = json_object_get(c->leaf, "until");
    if (!wh_str_is(text_of(c->leaf, "by"), "approvers") ||
        !names(c->a, c->leaf, "statement", b->statement) ||
        !names(c->a, c->leaf, "signatures", b->signatures)) {
        return papers(err, "the approvals are not those of the decision");
    }
    if (!rule_act_row(st->act)->opens ||
        !wh_str_is(text_of(c->leaf, "act"), rule_act_word(st->act)) ||
        !same_tiers(c->leaf, st) ||
        (until ? json_integer_value(until) != st->until : st->until != 0) ||
        !is_int(c->leaf, "replaces", (uint64_t)st->replaces)) {
        return papers(err, "the decision is not what the approvers signed");
    }
    return true;
}

/* What can not be taken back has to begin while the statement is good, by the
 * keeper's own clock and ledger: a leaf's time is its writer's. What began then
 * may be opened again, after a closing that has lapsed or in another repo: the
 * same bytes by the same decision. */
static bool in_time(const struct keeper_claim *c,
                    const struct rule_statement *st, struct wh_err *err)
{
    bool before = false;
    if (c->now < st->not_after) {
        return true;
    }
    return keeper_ledger_opened(c->ledger, c->content, c->leaf_digest, &before,
                                err) &&
           (before ||
            wh_fail(err, WH_HELD,
                    "the approvals have run out before this was opened"));
}

/* What has an end was good when it began, and has not ended (judge.c). */
static bool fits(const struct keeper_claim *c, const struct rule_statement *st,
                 const struct rule_roster *roster, struct wh_err *err)
{
    int64_t t = int_of(c->leaf, "t");
    struct rule_facts f = {.origin = wh_str_of(c->log->name),
                           .subject = c->subject,
                           .evidence = c->evidence,
                           .lines = c->lines,
                           .n_lines = c->nlines,
                           .roster = roster,
                           .size = c->size,
                           .now = t,
                           .effect = true};
    if (t > c->now) {
        return wh_fail(err, WH_HELD, "the decision is of a time to come");
    }
    return rule_statement_fits(st, &f, err) &&
           (st->until != 0 || in_time(c, st, err));
}

/* The quorum was on the register for as long as the roster wants. */
static bool waited(const struct keeper_claim *c, const struct keeper_bundle *b,
                   const struct rule_statement *st,
                   const struct rule_roster *roster, struct wh_err *err)
{
    json_t *leaf = NULL;
    uint64_t index;
    if (!rule_act_row(st->act)->irrevocable) {
        return true;
    }
    if (b->approval.n == 0) {
        return wh_fail(err, WH_HELD, "the approval is not on the register");
    }
    if (!entry(c, b->approval, b->approval_proof, "approval", &leaf, &index,
               err)) {
        return false;
    }
    int64_t t = int_of(leaf, "t"), from = int_of(leaf, "from");
    if (!names(c->a, leaf, "statement", b->statement) ||
        !names(c->a, leaf, "signatures", b->signatures) ||
        !is_int(c->leaf, "approval", index) || index >= c->index) {
        return papers(err, "the approval is not that of the decision");
    }
    if (t <= 0 || from < t + roster->cooling_off || from < st->not_before ||
        int_of(c->leaf, "t") < from || c->now < from) {
        return wh_fail(err, WH_HELD, "the cooling-off is not over");
    }
    return true;
}

/* Too few is the rules' no, not a forged paper. */
static bool enough(const struct rule_roster *roster,
                   const struct rule_statement *st, uint32_t keys,
                   struct wh_err *err)
{
    if (!rule_roster_enough(roster, st->act, keys, false, err)) {
        err->code = WH_HELD;
        return false;
    }
    return true;
}

bool keeper_approved(const struct keeper_claim *c, struct wh_err *err)
{
    struct keeper_bundle b;
    struct rule_statement st;
    struct rule_signers who;
    struct chain *ch = WH_NEW(c->a, struct chain);
    if (!keeper_bundle_read(c->a, c->bundle, &b, err) ||
        !read_chain(c, b.steps, b.nsteps, ch, err) ||
        !hold_to_pin(c, ch, err)) {
        return false;
    }
    const struct rule_roster *roster = in_force(ch, c->leaf, c->index);
    if (!roster) {
        return papers(err, "the decision was made under another roster than "
                           "the one in force");
    }
    return rule_statement_read(b.statement, &st, err) &&
           same_words(c, &b, &st, err) && fits(c, &st, roster, err) &&
           rule_signatures_read(c->a, b.signatures, b.statement, roster, NULL,
                                &VERIFIER, &who, err) &&
           enough(roster, &st, who.now, err) && waited(c, &b, &st, roster, err);
}

/* ---- lines ---- */

static bool same_lines(const json_t *leaf, const struct rule_statement *st)
{
    const json_t *list = json_object_get(leaf, "lines");
    bool same = json_array_size(list) == st->n_lines;
    for (size_t i = 0; same && i < st->n_lines; i++) {
        const char *s = json_string_value(json_array_get(list, i));
        struct wh_str have = wh_str_of(s ? s : "");
        same = wh_str_starts(have, WH_S("sha256:")) &&
               wh_str_eq(wh_str_sub(have, 7, have.n), st->lines[i]);
    }
    return same;
}

/* An entry of this index, signed, that follows the one of index `before`. */
static bool change_ok(const struct keeper_claim *c, const struct chain *ch,
                      const struct keeper_told *told, const json_t *leaf,
                      uint64_t index, uint64_t size, uint64_t before,
                      struct wh_err *err)
{
    const struct rule_roster *roster = in_force(ch, leaf, index);
    struct rule_statement st;
    struct rule_signers who;
    if (!roster) {
        return papers(err, "the lines were changed under another roster than "
                           "the one in force");
    }
    if (!names(c->a, leaf, "statement", told->statement) ||
        !names(c->a, leaf, "signatures", told->signatures)) {
        return papers(err, "the statement is not the one of the lines' entry");
    }
    if (!rule_statement_read(told->statement, &st, err)) {
        return false;
    }
    const struct rule_facts f = {.origin = wh_str_of(c->log->name),
                                 .subject = WH_S(""),
                                 .evidence = WH_S(""),
                                 .roster = roster,
                                 .size = size,
                                 .now = int_of(leaf, "t"),
                                 .effect = true};
    if (st.act != RULE_ACT_LINES || !same_lines(leaf, &st) ||
        st.replaces != (int64_t)before) {
        return papers(err, "the lines' entry is not what approvers signed");
    }
    return rule_statement_fits(&st, &f, err) &&
           rule_signatures_read(c->a, told->signatures, told->statement, roster,
                                NULL, &VERIFIER, &who, err) &&
           enough(roster, &st, who.now, err);
}

bool keeper_lines_told(const struct keeper_claim *c,
                       const struct keeper_lines *shown, struct rule_past *past,
                       uint64_t *index, uint64_t *size, struct wh_err *err)
{
    struct chain *ch = WH_NEW(c->a, struct chain);
    uint64_t before = 0;
    *past = (struct rule_past){.n = 0};
    if (!read_chain(c, shown->steps, shown->nsteps, ch, err) ||
        (ch->n > 0 && !hold_to_pin(c, ch, err))) {
        return false;
    }
    for (size_t i = 0; i < shown->ntold; i++) {
        const struct keeper_told *told = &shown->told[i];
        bool people = told->statement.n > 0;
        json_t *leaf = NULL;
        if (!entry_at(c, told->leaf, told->proof, i == 0 ? "genesis" : "lines",
                      &leaf, index, size, err)) {
            return false;
        }
        if (i == 0 ? *index != 0 || people : *index <= before) {
            return papers(err, "the entries about lines are not in the "
                               "register's order");
        }
        if ((people &&
             !change_ok(c, ch, told, leaf, *index, *size, before, err)) ||
            !rule_past_add(past, json_object_get(leaf, "lines"), people, err)) {
            return false;
        }
        before = *index;
    }
    return true;
}
