/*
 * Loading of templates and assets from the binary or from a folder.
 */
#include "tmpl/files.h"

#include <dirent.h>

#include "base/file.h"
#include "tmpl/blob.h"

enum { ASSET_MAX = 4 * 1024 * 1024, NAME_MAX_LEN = 64, FILES_MAX = 256 };

static const struct {
    const char *end, *type;
} types[] = {
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".txt", "text/plain; charset=utf-8"},
};

static const char *type_of(struct wh_str name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (wh_str_ends(name, wh_str_of(types[i].end))) {
            return types[i].type;
        }
    }
    return NULL;
}

/* Names of ours: letters, digits, '-', '_' and single dots inside. */
static bool name_ok(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
        if (!letter && !(c == '.' && i > 0 && s.p[i - 1] != '.')) {
            return false;
        }
    }
    return s.n > 0 && s.n <= NAME_MAX_LEN;
}

/* "house.css" under its digest: "/assets/house.<digest>.css". */
static void asset_declare(struct tmpl_set *set, struct wh_str name,
                          const char *digest)
{
    size_t dot = wh_str_find(name, '.');
    struct wh_buf url;

    wh_assert(dot != SIZE_MAX);
    wh_buf_init(&url, 256);
    wh_buf_cstr(&url, "/assets/");
    wh_buf_add(&url, wh_str_sub(name, 0, dot));
    if (digest) {
        wh_buf_fmt(&url, ".%s", digest);
    }
    wh_buf_add(&url, wh_str_sub(name, dot, name.n));
    tmpl_set_asset(set, name, wh_buf_str(&url));
    wh_buf_done(&url);
}

static bool load_embedded(struct tmpl_set *set, struct wh_err *err)
{
    for (size_t i = 0; i < tmpl_assets_n; i++) {
        asset_declare(set, wh_str_of(tmpl_assets[i].name),
                      tmpl_assets[i].digest);
    }
    for (size_t i = 0; i < tmpl_templates_n; i++) {
        const struct tmpl_blob *b = &tmpl_templates[i];
        if (!tmpl_set_add(set, wh_str_of(b->name), wh_str_mem(b->p, b->n),
                          err)) {
            return false;
        }
    }
    return true;
}

/* Give each file of dir/sub to one(), at most FILES_MAX of them. */
static bool each_file(struct wh_arena *a, const char *dir, const char *sub,
                      bool (*one)(struct wh_arena *, struct tmpl_set *,
                                  const char *path, struct wh_str name,
                                  struct wh_err *),
                      struct tmpl_set *set, struct wh_err *err)
{
    struct wh_str path = wh_arena_fmt(a, "%s/%s", dir, sub);
    DIR *d = opendir(wh_arena_cstr(a, path));
    const struct dirent *e;
    bool ok = true;

    if (!d) {
        return wh_fail_errno(err, WH_IO, "open the folder of templates");
    }
    for (int n = 0; ok && n < FILES_MAX && (e = readdir(d)); n++) {
        struct wh_str name = wh_str_of(e->d_name);
        struct wh_str file =
            wh_arena_fmt(a, "%.*s/%s", WH_FMT(path), e->d_name);
        ok = !name_ok(name) || one(a, set, wh_arena_cstr(a, file), name, err);
    }
    closedir(d);
    return ok;
}

static bool dir_asset(struct wh_arena *a, struct tmpl_set *set,
                      const char *path, struct wh_str name, struct wh_err *err)
{
    (void)a, (void)path, (void)err;
    if (type_of(name)) {
        asset_declare(set, name, NULL);
    }
    return true;
}

static bool dir_template(struct wh_arena *a, struct tmpl_set *set,
                         const char *path, struct wh_str name,
                         struct wh_err *err)
{
    struct wh_str text, end = WH_S(".html");

    if (!wh_str_ends(name, end)) {
        return true;
    }
    return wh_file_read(a, path, TMPL_TEXT_MAX, &text, err) &&
           tmpl_set_add(set, wh_str_sub(name, 0, name.n - end.n), text, err);
}

static bool load_dir(struct tmpl_set *set, const char *dir, struct wh_err *err)
{
    struct wh_arena a;
    bool ok;

    wh_arena_init(&a, (size_t)FILES_MAX * TMPL_TEXT_MAX);
    ok = each_file(&a, dir, "assets", dir_asset, set, err) &&
         each_file(&a, dir, "templates", dir_template, set, err);
    wh_arena_done(&a);
    return ok;
}

static bool open_set(const char *dir, bool strict, struct tmpl_set **out,
                     struct wh_err *err)
{
    struct tmpl_set *set = tmpl_set_new(strict);

    if (!(dir ? load_dir(set, dir, err) : load_embedded(set, err)) ||
        !tmpl_set_link(set, err)) {
        tmpl_set_free(&set);
        return false;
    }
    *out = set;
    return true;
}

/* "house.0123456789abcdef.css" is asset b under its digest. */
static bool name_with_digest(const struct tmpl_blob *b, struct wh_str name)
{
    struct wh_str plain = wh_str_of(b->name), digest = wh_str_of(b->digest);
    size_t dot = wh_str_find(plain, '.');

    return dot != SIZE_MAX && name.n == plain.n + 1 + digest.n &&
           wh_str_eq(wh_str_sub(name, 0, dot), wh_str_sub(plain, 0, dot)) &&
           name.p[dot] == '.' &&
           wh_str_eq(wh_str_sub(name, dot + 1, digest.n), digest) &&
           wh_str_eq(wh_str_sub(name, dot + 1 + digest.n, name.n),
                     wh_str_sub(plain, dot, plain.n));
}

static bool asset_embedded(struct wh_str name, struct tmpl_asset *out)
{
    for (size_t i = 0; i < tmpl_assets_n; i++) {
        const struct tmpl_blob *b = &tmpl_assets[i];
        bool for_ever = name_with_digest(b, name);
        if (for_ever || wh_str_is(name, b->name)) {
            out->bytes = wh_str_mem(b->p, b->n);
            out->for_ever = for_ever;
            return true;
        }
    }
    return false;
}

bool tmpl_open(const char *dir, struct tmpl_set **out, struct wh_err *err)
{
    return open_set(dir, dir != NULL, out, err);
}

bool tmpl_open_strict(struct tmpl_set **out, struct wh_err *err)
{
    return open_set(NULL, true, out, err);
}

bool tmpl_asset_get(struct wh_arena *a, const char *dir, struct wh_str name,
                    struct tmpl_asset *out, struct wh_err *err)
{
    struct tmpl_asset asset = {0};

    asset.type = type_of(name);
    if (!asset.type || !name_ok(name)) {
        return wh_fail(err, WH_NOT_FOUND, "no such asset");
    }
    if (dir) {
        struct wh_str path =
            wh_arena_fmt(a, "%s/assets/%.*s", dir, WH_FMT(name));
        if (!wh_file_read(a, wh_arena_cstr(a, path), ASSET_MAX, &asset.bytes,
                          err)) {
            return false;
        }
    } else if (!asset_embedded(name, &asset)) {
        return wh_fail(err, WH_NOT_FOUND, "no such asset");
    }
    *out = asset;
    return true;
}
