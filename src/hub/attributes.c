/*
 * attributes.c - the decision between git's own storage and LFS.
 */
#include "hub/attributes.h"
#include "hub/ops.h"

#define LFS " filter=lfs diff=lfs merge=lfs -text\n"

const char HUB_ATTRIBUTES_DEFAULT[] =
    "*.7z" LFS "*.arrow" LFS "*.bin" LFS "*.bz2" LFS "*.ckpt" LFS "*.ftz" LFS
    "*.gguf" LFS "*.gz" LFS "*.h5" LFS "*.joblib" LFS "*.lfs.*" LFS
    "*.mlmodel" LFS "*.model" LFS "*.msgpack" LFS "*.npy" LFS "*.npz" LFS
    "*.onnx" LFS "*.ot" LFS "*.parquet" LFS "*.pb" LFS "*.pickle" LFS
    "*.pkl" LFS "*.pt" LFS "*.pth" LFS "*.rar" LFS "*.safetensors" LFS
    "saved_model/**/*" LFS "*.tar.*" LFS "*.tar" LFS "*.tflite" LFS "*.tgz" LFS
    "*.wasm" LFS "*.xz" LFS "*.zip" LFS "*.zst" LFS "*tfevents*" LFS;

/* Steps a glob may take on one path: hostile patterns stop here. */
#define GLOB_STEPS 20000

struct glob {
    struct wh_str p, s;
    uint64_t steps; /* left */
};

static bool step(struct glob *g)
{
    g->steps -= g->steps > 0;
    return g->steps > 0;
}

/* [abc], [a-z], [!a]: *i is behind the '['; false also for a broken class. */
static bool glob_class(struct wh_str p, size_t *i, char c)
{
    bool negate = *i < p.n && (p.p[*i] == '!' || p.p[*i] == '^');
    bool hit = false;
    size_t start = *i += negate;

    for (; *i < p.n && (p.p[*i] != ']' || *i == start); (*i)++) {
        char lo = p.p[*i], hi = lo;
        if (*i + 2 < p.n && p.p[*i + 1] == '-' && p.p[*i + 2] != ']') {
            hi = p.p[*i + 2];
            *i += 2;
        }
        hit = hit || (c >= lo && c <= hi);
    }
    if (*i >= p.n) {
        return false;
    }
    (*i)++;
    return hit != negate && c != '/';
}

static bool glob_from(struct glob *g, size_t i, size_t j);

/* A star at pattern place i: one '*' stays within a segment. */
static bool glob_star(struct glob *g, size_t i, size_t j)
{
    bool deep = i + 1 < g->p.n && g->p.p[i + 1] == '*';

    while (i < g->p.n && g->p.p[i] == '*') {
        i++;
    }
    if (deep && i < g->p.n && g->p.p[i] == '/' && glob_from(g, i + 1, j)) {
        return true; /* a double star and its slash also match nothing */
    }
    for (; j <= g->s.n && step(g); j++) {
        if (glob_from(g, i, j)) {
            return true;
        }
        if (j < g->s.n && g->s.p[j] == '/' && !deep) {
            return false;
        }
    }
    return false;
}

static bool glob_from(struct glob *g, size_t i, size_t j)
{
    while (i < g->p.n) {
        char c = g->p.p[i];
        if (!step(g)) {
            return false;
        }
        if (c == '*') {
            return glob_star(g, i, j);
        }
        if (j >= g->s.n) {
            return false;
        }
        if (c == '[') {
            i++;
            if (!glob_class(g->p, &i, g->s.p[j])) {
                return false;
            }
            j++;
            continue;
        }
        if (c == '\\' && i + 1 < g->p.n) {
            c = g->p.p[++i];
        } else if (c == '?' && g->s.p[j] != '/') {
            c = g->s.p[j];
        }
        if (c != g->s.p[j]) {
            return false;
        }
        i++;
        j++;
    }
    return j == g->s.n;
}

bool hub_glob(struct wh_str pattern, struct wh_str text, uint64_t *steps)
{
    uint64_t most = *steps < GLOB_STEPS ? *steps : GLOB_STEPS;
    struct glob g = {.p = pattern, .s = text, .steps = most};
    bool fits = pattern.n <= HUB_PATH_MAX && glob_from(&g, 0, 0);

    *steps -= most - g.steps;
    return fits;
}

static struct wh_str last_segment(struct wh_str path)
{
    for (size_t i = path.n; i > 0; i--) {
        if (path.p[i - 1] == '/') {
            return wh_str_sub(path, i, path.n);
        }
    }
    return path;
}

/* What one line says of path: 1 LFS, 0 not LFS, -1 nothing. */
static int line_says(struct wh_str line, struct wh_str path, uint64_t *steps)
{
    struct wh_str pattern, word;
    int says = -1;

    line = wh_str_trim(line);
    if (line.n == 0 || line.p[0] == '#') {
        return -1;
    }
    wh_str_cut(&line, ' ', &pattern);
    if (wh_str_find(pattern, '/') == SIZE_MAX) {
        path = last_segment(path);
    } else if (pattern.p[0] == '/') {
        pattern = wh_str_sub(pattern, 1, pattern.n);
    }
    if (!hub_glob(pattern, path, steps)) {
        return -1;
    }
    while (line.n > 0) {
        wh_str_cut(&line, ' ', &word);
        word = wh_str_trim(word);
        if (wh_str_is(word, "filter=lfs")) {
            says = 1;
        } else if (wh_str_is(word, "-filter") || wh_str_is(word, "!filter") ||
                   wh_str_starts(word, WH_S("filter="))) {
            says = 0;
        }
    }
    return says;
}

bool hub_attributes_lfs(struct wh_str attributes, struct wh_str path,
                        uint64_t *steps)
{
    struct wh_str line;
    bool lfs = false;

    attributes = wh_str_sub(attributes, 0, HUB_ATTRIBUTES_MAX);
    while (attributes.n > 0 && *steps > 0) {
        int says;
        wh_str_cut(&attributes, '\n', &line);
        --*steps;
        says = line_says(line, path, steps);
        lfs = says < 0 ? lfs : says == 1;
    }
    return lfs;
}

/* A sample may end inside a character: up to three bytes are forgiven. */
static bool looks_like_text(struct wh_str sample)
{
    if (sample.n > 0 && memchr(sample.p, 0, sample.n)) {
        return false;
    }
    for (size_t cut = 0; cut < 4 && cut <= sample.n; cut++) {
        if (wh_str_utf8_ok(wh_str_sub(sample, 0, sample.n - cut))) {
            return true;
        }
    }
    return false;
}

bool hub_file_is_large(struct wh_str attributes, struct wh_str path,
                       uint64_t size, struct wh_str sample, uint64_t *steps)
{
    return hub_attributes_lfs(attributes, path, steps) ||
           size > HUB_REGULAR_MAX || !looks_like_text(sample);
}

/* The rule against a path whose last segment is a folder or the file. */
static bool ignore_fits_here(struct wh_str rule, struct wh_str path,
                             bool folder, uint64_t *steps)
{
    bool only_folders = rule.n > 0 && rule.p[rule.n - 1] == '/';

    rule.n -= only_folders;
    if (only_folders && !folder) {
        return false;
    }
    if (wh_str_find(rule, '/') == SIZE_MAX) {
        return hub_glob(rule, last_segment(path), steps);
    }
    if (rule.n > 0 && rule.p[0] == '/') {
        rule = wh_str_sub(rule, 1, rule.n);
    }
    return hub_glob(rule, path, steps);
}

bool hub_ignore_fits(struct wh_str rule, struct wh_str path, uint64_t *steps)
{
    for (size_t i = 0; i<path.n && * steps> 0; i++) {
        --*steps;
        if (path.p[i] == '/' &&
            ignore_fits_here(rule, wh_str_sub(path, 0, i), true, steps)) {
            return true;
        }
    }
    return ignore_fits_here(rule, path, false, steps);
}
