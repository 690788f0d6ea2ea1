/*
 * Names in memory: for each kind one text, "\n" before every name, searched
 * for the rarest word; the name around a hit is then looked at for the others.
 * A full scan of 350,000 names takes a few milliseconds, whatever the words,
 * which no index over three-letter pieces does for two common ones.
 */
#include "store/repo_names.h"
#include "base/mem.h"
#include <pthread.h>

#define KINDS (STORE_SPACE + 1)
#define SAMPLE_BYTES 65536

/* The names of one kind. */
struct shelf {
    char *text;
    size_t n, cap;
    struct row {
        size_t at; /* of the name's first byte */
        int64_t id;
    } * rows;
    size_t n_rows, cap_rows;
};

struct store_names {
    pthread_rwlock_t lock;
    struct shelf shelves[KINDS];
    int64_t last; /* highest id taken over */
};

struct store_names *store_names_new(void)
{
    struct store_names *names = wh_alloc(sizeof *names);
    pthread_rwlock_init(&names->lock, NULL);
    return names;
}

void store_names_free(struct store_names **np)
{
    struct store_names *names = *np;
    if (!names) {
        return;
    }
    for (int k = 0; k < KINDS; k++) {
        wh_free(names->shelves[k].text);
        wh_free(names->shelves[k].rows);
    }
    pthread_rwlock_destroy(&names->lock);
    wh_free(names);
    *np = NULL;
}

static void append(struct shelf *s, int64_t id, struct wh_str name)
{
    wh_assert(name.n < STORE_FULL_MAX);
    if (s->cap - s->n < name.n + 2) {
        s->cap = s->cap ? 2 * s->cap : 65536;
        s->text = wh_realloc(s->text, s->cap);
    }
    if (s->n_rows == s->cap_rows) {
        s->cap_rows = s->cap_rows ? 2 * s->cap_rows : 1024;
        s->rows = wh_realloc(s->rows, s->cap_rows * sizeof *s->rows);
    }
    s->text[s->n] = '\n';
    s->rows[s->n_rows++] = (struct row){s->n + 1, id};
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        s->text[s->n + 1 + i] =
            c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    s->n += name.n + 1;
}

/* One row of repo_names_after. Another thread may have been faster. */
static void take_over(struct store_names *names, struct db_stmt *s)
{
    int64_t id = db_col_i64(s, 0), kind = db_col_i64(s, 1);
    wh_assert(kind >= STORE_MODEL && kind <= STORE_SPACE);
    if (id > names->last) {
        append(&names->shelves[kind], id, db_col_text(s, 2));
        names->last = id;
    }
}

bool store_names_refresh(struct store_names *names, struct db *db,
                         struct wh_err *err)
{
    pthread_rwlock_rdlock(&names->lock);
    int64_t last = names->last;
    pthread_rwlock_unlock(&names->lock);
    struct db_stmt *s = db_start(db, DBQ_REPO_NAMES_AFTER);
    db_bind_i64(s, 1, last);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        pthread_rwlock_wrlock(&names->lock);
        do {
            take_over(names, s);
        } while ((r = db_step(s, err)) == DB_ROW);
        pthread_rwlock_unlock(&names->lock);
    }
    db_finish(&s);
    return r == DB_DONE;
}

/* The name of a row. */
static struct wh_str name_at(const struct shelf *s, size_t row)
{
    size_t at = s->rows[row].at;
    size_t end = row + 1 < s->n_rows ? s->rows[row + 1].at - 1 : s->n;
    return wh_str_mem(s->text + at, end - at);
}

/* Sixteen bytes at once, in what registers the machine has. */
typedef uint8_t block __attribute__((vector_size(16)));

static block load(const char *p)
{
    block b;
    memcpy(&b, p, sizeof b);
    return b;
}

/* The first place of a word of two bytes and more, or SIZE_MAX: looks at first
 * and last byte of sixteen places together, and three times as fast here as
 * memmem, which prepares for needles that are longer and texts that are not. */
static size_t find_word(struct wh_str s, struct wh_str w)
{
    block first = load((char[16]){0}) + (uint8_t)w.p[0];
    block last = load((char[16]){0}) + (uint8_t)w.p[w.n - 1];
    size_t i = 0;
    for (; i + w.n - 1 + sizeof first <= s.n; i += sizeof first) {
        uint64_t any[2];
        uint8_t at[sizeof first];
        block eq = (block)((load(s.p + i) == first) &
                           (load(s.p + i + w.n - 1) == last));
        memcpy(any, &eq, sizeof any);
        if (!(any[0] | any[1])) {
            continue;
        }
        memcpy(at, &eq, sizeof at);
        for (size_t j = 0; j < sizeof at; j++) {
            if (at[j] && memcmp(s.p + i + j, w.p, w.n) == 0) {
                return i + j;
            }
        }
    }
    size_t tail = wh_str_find_str(wh_str_sub(s, i, SIZE_MAX), w);
    return tail == SIZE_MAX ? tail : i + tail;
}

static size_t find_any(struct wh_str s, struct wh_str w)
{
    return w.n == 1 ? wh_str_find(s, w.p[0]) : find_word(s, w);
}

/* All words but the one that was searched for. */
static bool has_others(struct wh_str name, const struct wh_str *words, size_t n,
                       size_t but)
{
    for (size_t i = 0; i < n; i++) {
        if (i != but && wh_str_find_str(name, words[i]) == SIZE_MAX) {
            return false;
        }
    }
    return true;
}

/* The word that seems rarest by the first names: each hit costs a look. */
static size_t rarest(struct wh_str text, const struct wh_str *words, size_t n)
{
    size_t best = 0, best_hits = SIZE_MAX;
    for (size_t i = 0; n > 1 && i < n; i++) {
        struct wh_str rest = wh_str_sub(text, 0, SAMPLE_BYTES);
        size_t hits = 0, at;
        while ((at = find_any(rest, words[i])) != SIZE_MAX) {
            rest = wh_str_sub(rest, at + 1, SIZE_MAX);
            hits++;
        }
        if (hits < best_hits) {
            best = i;
            best_hits = hits;
        }
    }
    return best;
}

/* Hits come in the order of rows, so the row of the next one is ahead. */
static void find(const struct shelf *s, const struct wh_str *words,
                 size_t n_words, struct store_id_set *out)
{
    struct wh_str text = wh_str_mem(s->text, s->n);
    size_t rare = rarest(text, words, n_words);
    size_t row = 0, from = 0, hit;
    while ((hit = find_any(wh_str_sub(text, from, SIZE_MAX), words[rare])) !=
           SIZE_MAX) {
        while (row + 1 < s->n_rows && s->rows[row + 1].at <= from + hit) {
            row++;
        }
        struct wh_str name = name_at(s, row);
        if (has_others(name, words, n_words, rare)) {
            int64_t id = s->rows[row].id;
            out->bits[id / 64] |= 1ULL << (id % 64);
            out->count++;
        }
        from = s->rows[row].at + name.n;
    }
}

void store_names_find(struct store_names *names, struct wh_arena *a,
                      enum store_kind kind, const struct wh_str *words,
                      size_t n_words, struct store_id_set *out)
{
    wh_assert(kind >= STORE_MODEL && kind <= STORE_SPACE && n_words > 0);
    for (size_t i = 0; i < n_words; i++) {
        wh_assert(words[i].n > 0 && wh_str_find(words[i], '\n') == SIZE_MAX);
    }
    pthread_rwlock_rdlock(&names->lock);
    *out = (struct store_id_set){.top = names->last};
    out->bits =
        wh_arena_array(a, (size_t)names->last / 64 + 1, sizeof *out->bits);
    find(&names->shelves[kind], words, n_words, out);
    pthread_rwlock_unlock(&names->lock);
}
