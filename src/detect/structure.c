/*
 * structure.c - forms. Each is one pass or none; thresholds are where ordinary
 * text, tables and programs stay below.
 */
#include "detect/structure.h"
#include "base/err.h"

/* clang-format off */
static const struct detect_form_row rows[DETECT_FORM_COUNT] = {
    [DETECT_FORM_HIDDEN] = {"hidden", "text hidden in invisible characters", 5},
    [DETECT_FORM_BIDI] = {"bidi", "reading order turned round", 2},
    [DETECT_FORM_INVISIBLE] = {"invisible", "invisible characters inside words", 2},
    [DETECT_FORM_ALIKE] = {"alike", "letters of another alphabet in place of Latin ones", 2.5},
    [DETECT_FORM_STACKED] = {"stacked", "marks piled on letters", 1.5},
    [DETECT_FORM_ENCODED] = {"encoded", "most of the text is encoded", 2},
    [DETECT_FORM_NESTED] = {"nested", "an encoding inside an encoding", 2},
    [DETECT_FORM_DISGUISED] = {"disguised", "words written with digits or spaced out", 1.5},
    [DETECT_FORM_NOISE] = {"noise", "a run of signs that is no language", 2},
    [DETECT_FORM_TURNS] = {"turns", "many made-up turns in one message", 3},
    [DETECT_FORM_SYSTEM] = {"system", "a line that poses as the system's", 2},
    [DETECT_FORM_TEMPLATE] = {"template", "control signs of the model", 5},
    [DETECT_FORM_REPEATED] = {"repeated", "one word over and over", 2},
    [DETECT_FORM_SPLIT] = {"split", "pieces of text to be put together", 2},
    [DETECT_FORM_EDITED] = {"edited", "the model's earlier words were changed", 3},
    [DETECT_FORM_PREFILLED] = {"prefilled", "the model's answer was begun for it", 1},
};
/* clang-format on */

const struct detect_form_row *detect_form_row(enum detect_form form)
{
    wh_assert(form < DETECT_FORM_COUNT);
    return &rows[form];
}

/* From 0 at lo to 1 at hi. */
static double ramp(double v, double lo, double hi)
{
    return v <= lo ? 0 : v >= hi ? 1 : (v - lo) / (hi - lo);
}

/* ---- what the views counted ---- */

static void from_marks(struct detect_forms *f, const struct detect_views *v)
{
    const struct detect_marks *m = &v->marks;
    double latin = m->foreign == 0 ? 1 : 0;

    f->strength[DETECT_FORM_HIDDEN] = ramp(m->tags, 3, 8);
    /* joiners and direction marks are ordinary in the scripts that need them */
    f->strength[DETECT_FORM_BIDI] = latin * ramp(m->bidi, 0, 2);
    f->strength[DETECT_FORM_INVISIBLE] = latin * ramp(m->invisible, 1, 6);
    f->strength[DETECT_FORM_ALIKE] = ramp(m->confusables, 1, 5);
    f->strength[DETECT_FORM_STACKED] =
        ramp(m->marks, 8, 32) * (v->view[0].text.n < (size_t)m->marks * 8);
}

static void from_view(struct detect_forms *f, const struct detect_views *v,
                      const struct detect_view *view)
{
    size_t parent = v->view[view->parent].text.n;
    double share = parent ? (double)view->covered / (double)parent : 0;
    enum detect_form form = DETECT_FORM_ENCODED;
    double strength;

    switch (view->kind) {
    case DETECT_KIND_PLAIN:
    case DETECT_KIND_ESCAPED: /* URLs and pages are full of them */
        return;
    case DETECT_KIND_HIDDEN:
        form = DETECT_FORM_HIDDEN;
        strength = 1;
        break;
    case DETECT_KIND_COLLAPSED:
        form = DETECT_FORM_DISGUISED;
        strength = ramp(share, 0.02, 0.08);
        break;
    case DETECT_KIND_BASE64:
    case DETECT_KIND_BASE32:
    case DETECT_KIND_HEX:
    case DETECT_KIND_ROTATED:
    case DETECT_KIND_REVERSED:
    case DETECT_KIND_MORSE:
    case DETECT_KIND_BINARY:
    case DETECT_KIND_COUNT:
    default:
        strength = view->text.n < 16 ? 0 : ramp(share, 0.1, 0.4);
        break;
    }
    if (strength > f->strength[form]) {
        f->strength[form] = strength;
    }
    if (view->depth >= 2 && form == DETECT_FORM_ENCODED && strength > 0) {
        f->strength[DETECT_FORM_NESTED] = 1;
    }
}

/* ---- noise ---- */

enum { SPACE, LOW, UPPER, NUMBER, SIGN, OTHER };

static int class_of(unsigned char c)
{
    if (c <= ' ') {
        return SPACE;
    }
    if (c >= 0x80) {
        return OTHER;
    }
    if ((unsigned)c - 'a' < 26) {
        return LOW;
    }
    if ((unsigned)c - 'A' < 26) {
        return UPPER;
    }
    return (unsigned)c - '0' < 10 ? NUMBER : SIGN;
}

/* Optimised suffixes change the class of character at nearly every step, and
 * their signs are of many sorts. The last part of the text is looked at, where
 * they are. */
#define NOISE_WINDOW 48
static double noise_of(struct wh_str text)
{
    struct wh_str s = wh_str_trim(text);
    uint64_t kinds[2] = {0, 0};
    size_t changes = 0, signs = 0, sorts, i;
    int last = SPACE;

    s = s.n > NOISE_WINDOW ? wh_str_sub(s, s.n - NOISE_WINDOW, NOISE_WINDOW)
                           : s;
    if (s.n < 12) {
        return 0;
    }
    for (i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        int now = class_of(c);
        changes += now != last && now != SPACE && last != SPACE;
        signs += now == SIGN;
        /* those that prose and programs end with say nothing */
        if (now == SIGN && !strchr(".,:;()[]\"'=-_/", (char)c)) {
            kinds[c / 64] |= (uint64_t)1 << (c % 64);
        }
        last = now;
    }
    sorts = (size_t)__builtin_popcountll(kinds[0]) +
            (size_t)__builtin_popcountll(kinds[1]);
    return ramp((double)changes / (double)s.n, 0.2, 0.4) *
           ramp((double)signs / (double)s.n, 0.1, 0.25) *
           ramp((double)sorts, 2, 6);
}

/* ---- lines ---- */

/* Who a line claims to be spoken by, when it begins with a name and a colon. */
static bool speaks(struct wh_str line, bool *system)
{
    static const struct {
        struct wh_str name;
        bool system;
    } roles[] = {
        {WH_SI("user"), false},      {WH_SI("human"), false},
        {WH_SI("assistant"), false}, {WH_SI("ai"), false},
        {WH_SI("bot"), false},       {WH_SI("model"), false},
        {WH_SI("chatbot"), false},   {WH_SI("q"), false},
        {WH_SI("a"), false},         {WH_SI("system"), true},
        {WH_SI("developer"), true},
    };
    struct wh_str head;
    size_t i;

    while (line.n > 0 && strchr("#*<[|_ ", line.p[0]) && line.p[0] != '\0') {
        line = wh_str_sub(line, 1, line.n);
    }
    for (i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
        head = roles[i].name;
        if (line.n > head.n && wh_str_starts(line, head) &&
            strchr(":]>|*", line.p[head.n]) && line.p[head.n] != '\0') {
            *system = roles[i].system;
            return true;
        }
    }
    return false;
}

static void from_lines(struct detect_forms *f, struct wh_str plain)
{
    struct wh_str line;
    size_t turns = 0, system = 0;
    bool more = true, is_system = false;

    while (more) {
        more = wh_str_cut(&plain, '\n', &line);
        if (speaks(line, &is_system)) {
            turns++;
            system += is_system;
        }
    }
    f->strength[DETECT_FORM_TURNS] = ramp((double)turns, 5, 10);
    f->strength[DETECT_FORM_SYSTEM] = system > 0 ? 1 : 0;
}

/* ---- words ---- */

#define COUNTS 256

/* Share of the commonest word, by a small table of counts: two words that share
 * a slot only make it look greater by the rarer one. */
static double repeated_of(struct wh_str plain)
{
    uint32_t count[COUNTS] = {0}, most = 0, n = 0;
    size_t i = 0, begin;

    while (i < plain.n) {
        uint32_t h = 2166136261u;
        begin = i;
        for (; i < plain.n && (unsigned char)plain.p[i] > ' '; i++) {
            h = (h ^ (unsigned char)plain.p[i]) * 16777619u;
        }
        if (i > begin) {
            uint32_t *c = &count[(h ^ h >> 16) % COUNTS];
            (*c)++;
            most = *c > most ? *c : most;
            n++;
        }
        i++;
    }
    return n < 40 ? 0 : ramp((double)most / n, 0.4, 0.7);
}

/* Short assignments of quoted text, and letters that are then added. */
static double split_of(struct wh_str plain)
{
    size_t given = 0, added = 0, i;

    if (plain.n < 16 || !memchr(plain.p, '+', plain.n) ||
        !memchr(plain.p, '=', plain.n)) {
        return 0;
    }
    for (i = 2; i + 2 < plain.n; i++) {
        char c = plain.p[i];
        if (c == '=' || c == ':') {
            size_t k = i + 1 + (plain.p[i + 1] == ' ');
            given += k < plain.n && (plain.p[k] == '"' || plain.p[k] == '\'') &&
                     plain.p[i - 1] != '=' && c == '=';
        } else if (c == '+') {
            added += class_of((unsigned char)plain.p[i + 1]) == LOW ||
                     class_of((unsigned char)plain.p[i + 2]) == LOW;
        }
    }
    return given >= 3 && added >= 3 ? 1 : 0;
}

bool detect_has_sign(struct wh_str text, const struct wh_str *signs, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (signs[i].n > 0 && text.n >= signs[i].n &&
            memmem(text.p, text.n, signs[i].p, signs[i].n)) {
            return true;
        }
    }
    return false;
}

void detect_forms_of(struct detect_forms *f, struct wh_str text,
                     const struct detect_views *views,
                     const struct wh_str *template_signs, size_t n_signs)
{
    struct wh_str plain = views->view[0].text;
    size_t i;

    *f = (struct detect_forms){0};
    from_marks(f, views);
    for (i = 1; i < views->n; i++) {
        from_view(f, views, &views->view[i]);
    }
    f->strength[DETECT_FORM_NOISE] = noise_of(text);
    from_lines(f, plain);
    f->strength[DETECT_FORM_REPEATED] = repeated_of(plain);
    f->strength[DETECT_FORM_SPLIT] = split_of(plain);
    f->strength[DETECT_FORM_TEMPLATE] =
        detect_has_sign(text, template_signs, n_signs) ? 1 : 0;
}

/* ---- history ---- */

void detect_history_init(struct detect_history *h)
{
    memset(h->digest, 0, sizeof(h->digest));
    wh_sha256_init(&h->hash);
}

void detect_history_done(struct detect_history *h)
{
    wh_sha256_done(&h->hash);
}

void detect_history_add(struct detect_history *h, struct wh_str role,
                        struct wh_str text)
{
    uint64_t lengths[2] = {role.n, text.n};

    /* the state goes on, so the digest is over the whole conversation; the
     * lengths keep one message from posing as two */
    wh_sha256_add(&h->hash, lengths, sizeof(lengths));
    wh_sha256_add(&h->hash, role.p, role.n);
    wh_sha256_add(&h->hash, text.p, text.n);
    wh_sha256_get(&h->hash, h->digest);
}
