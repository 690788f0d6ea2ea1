/*
 * read.c - answers about the register out of its published files and its
 * tables.
 */
#include "register/read.h"
#include "base/mem.h"
#include "base/time.h"
#include "register/log.h"
#include "tlog/proof.h"
#include <stdio.h>

struct register_reader {
    struct register_files *files;
};

bool register_reader_open(const char *dir, struct register_reader **out,
                          struct wh_err *err)
{
    struct register_reader *r = wh_alloc(sizeof *r);
    if (!register_files_open(dir, false, &r->files, err)) {
        wh_free(r);
        return false;
    }
    *out = r;
    return true;
}

void register_reader_close(struct register_reader **r)
{
    if (!r || !*r) {
        return;
    }
    register_files_close(&(*r)->files);
    wh_free(*r);
    *r = NULL;
}

int register_reader_fd(const struct register_reader *r)
{
    return register_files_fd(r->files);
}

/* The text of a note up to its blank line: what the checkpoint says. Our own
 * file, so the signature is not checked again for each proof. */
static bool read_head(struct wh_str note, struct tlog_checkpoint *cp,
                      struct wh_err *err)
{
    struct tlog_note parsed;
    return tlog_note_parse(note, &parsed, err) &&
           tlog_checkpoint_parse(parsed.text, cp, err);
}

bool register_proof(const struct register_reader *r, uint64_t index,
                    struct wh_buf *out, struct wh_err *err)
{
    struct tlog_checkpoint cp;
    struct tlog_proof p = {.index = index};
    struct wh_buf note;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    struct tlog_tiles *tiles = wh_alloc(sizeof *tiles);
    bool ok = register_files_checkpoint(r->files, &note, err) &&
              read_head(wh_buf_str(&note), &cp, err);
    if (ok && index >= cp.size) {
        ok = wh_fail(err, WH_NOT_FOUND, "the register has no entry %llu yet",
                     (unsigned long long)index);
    }
    if (ok) {
        tlog_tiles_init(tiles, cp.size, register_files_tile, r->files);
        struct tlog_reader reader = tlog_tiles_reader(tiles);
        ok = tlog_inclusion(&reader, index, cp.size, &p.path, err);
    }
    if (ok) {
        p.checkpoint = wh_buf_str(&note);
        tlog_proof_text(&p, out);
        ok = wh_buf_ok(out, err);
    }
    wh_free(tiles);
    wh_buf_done(&note);
    return ok;
}

/* One row (idx, type, t, leaf, ...) as JSON. */
static json_t *entry_json(struct db_stmt *s, struct wh_arena *a,
                          struct wh_err *err)
{
    json_t *leaf = NULL, *o = NULL;
    if (register_leaf_parse(a, db_col_blob(s, 3), &leaf, err)) {
        char time[WH_TIME_TEXT];
        wh_time_text(db_col_i64(s, 2) * 1000000, time);
        o = json_object();
        json_object_set_new(o, "index", json_integer(db_col_i64(s, 0)));
        json_object_set_new(o, "type", wh_json_str(db_col_text(s, 1)));
        json_object_set_new(o, "time", json_string(time));
        json_object_set(o, "leaf", leaf);
    }
    return o;
}

/* All rows below size; takes over the statement. */
static bool list_json(struct db_stmt *s, struct wh_arena *a, uint64_t size,
                      json_t **out, struct wh_err *err)
{
    json_t *list = json_array();
    enum db_row r = DB_FAIL;
    bool ok = true;
    while (ok && (r = db_step(s, err)) == DB_ROW) {
        if ((uint64_t)db_col_i64(s, 0) >= size) {
            continue;
        }
        json_t *o = entry_json(s, a, err);
        ok = o != NULL && json_array_append_new(list, o) == 0;
    }
    db_finish(&s);
    if (!ok || r == DB_FAIL) {
        json_decref(list);
        return false;
    }
    *out = list;
    return true;
}

bool register_entry_json(struct db *db, struct wh_arena *a, uint64_t index,
                         uint64_t size, json_t **out, struct wh_err *err)
{
    if (index >= size) {
        return wh_fail(err, WH_NOT_FOUND, "the register has no entry %llu yet",
                       (unsigned long long)index);
    }
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRY_GET);
    db_bind_i64(s, 1, (int64_t)index);
    enum db_row r = db_step(s, err);
    json_t *o = r == DB_ROW ? entry_json(s, a, err) : NULL;
    db_finish(&s);
    if (r != DB_ROW) {
        return db_found(r, WH_NOT_FOUND, err);
    }
    *out = o;
    return o != NULL;
}

bool register_entries_json(struct db *db, struct wh_arena *a, uint64_t before,
                           unsigned limit, json_t **out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRIES_NEWEST);
    db_bind_i64(s, 1, before > INT64_MAX ? INT64_MAX : (int64_t)before);
    db_bind_i64(s, 2, limit);
    return list_json(s, a, UINT64_MAX, out, err);
}

bool register_entries_for_subject(struct db *db, struct wh_arena *a,
                                  struct wh_str hex, uint64_t from,
                                  uint64_t size, unsigned limit, json_t **out,
                                  struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_ENTRIES_OF_SUBJECT);
    db_bind_text(s, 1, hex);
    db_bind_i64(s, 2, from > INT64_MAX ? INT64_MAX : (int64_t)from);
    db_bind_i64(s, 3, limit);
    return list_json(s, a, size, out, err);
}

json_t *register_state_json(struct register_log *log)
{
    struct register_status s;
    struct wh_buf root;
    char time[WH_TIME_TEXT];
    register_status_get(log, &s);
    wh_buf_init(&root, 64);
    wh_buf_base64(&root, s.root.b, TLOG_HASH);
    wh_time_text(s.published_at, time);
    json_t *o = json_object();
    json_object_set_new(o, "origin", json_string(s.origin));
    json_object_set_new(o, "vkey", json_string(s.vkey));
    json_object_set_new(o, "size", json_integer((json_int_t)s.size));
    json_object_set_new(o, "root", wh_json_str(wh_buf_str(&root)));
    json_object_set_new(o, "published", json_string(time));
    json_object_set_new(o, "witnesses", json_array());
    json_object_set_new(o, "halted", json_boolean(s.halted));
    json_object_set_new(o, "stalled", json_boolean(s.stalled));
    wh_buf_done(&root);
    return o;
}

/* "proof/12": a number after the prefix, and nothing else. */
static bool number_after(struct wh_str path, struct wh_str prefix,
                         uint64_t *out)
{
    return wh_str_starts(path, prefix) &&
           wh_str_u64(wh_str_sub(path, prefix.n, path.n - prefix.n), out);
}

bool register_locate(struct wh_str path, struct register_resource *out)
{
    struct register_resource r = {.type = "text/plain; charset=utf-8",
                                  .cache = "no-cache"};
    struct tlog_tile tile;
    if (wh_str_is(path, "checkpoint")) {
        r.kind = REGISTER_FILE;
        snprintf(r.file, sizeof r.file, "checkpoint");
    } else if (wh_str_is(path, "vkey")) {
        r.kind = REGISTER_VKEY;
    } else if (number_after(path, WH_S("proof/"), &r.number)) {
        r.kind = REGISTER_PROOF;
    } else if (number_after(path, WH_S("checkpoint/"), &r.number)) {
        r.kind = REGISTER_CHECKPOINT;
        r.cache = "public, max-age=31536000, immutable";
    } else if (tlog_tile_parse(path, &tile)) {
        r.kind = REGISTER_FILE;
        tlog_tile_name(&tile, r.file);
        r.type = "application/octet-stream";
        r.cache = "public, max-age=31536000, immutable";
    } else {
        return false;
    }
    *out = r;
    return true;
}

bool register_checkpoint_at(struct db *db, uint64_t size, uint64_t published,
                            struct wh_buf *out, struct wh_err *err)
{
    struct wh_arena a;
    struct register_cp_row cp;
    if (size > published) {
        return wh_fail(err, WH_NOT_FOUND, "");
    }
    wh_arena_init(&a, 2 * TLOG_NOTE_MAX);
    bool ok = register_row_cp(db, &a, size, &cp, err);
    if (ok) {
        wh_buf_add(out, cp.note);
        ok = wh_buf_ok(out, err);
    }
    wh_arena_done(&a);
    return ok;
}
