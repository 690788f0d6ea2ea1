-- Outbox: written by the transaction of the event.

-- name: register_outbox_add :one
INSERT INTO log_outbox (created, type, t, subjects, leaf, leaf_hash)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id;

-- name: register_outbox_span :one
SELECT coalesce((SELECT min(id) FROM log_outbox), 0),
       coalesce((SELECT max(id) FROM log_outbox), 0),
       coalesce((SELECT created FROM log_outbox ORDER BY id LIMIT 1), 0);

-- name: register_outbox_take :many
SELECT id, type, t, subjects, leaf, leaf_hash FROM log_outbox
ORDER BY id LIMIT $1;

-- name: register_outbox_drop :exec
DELETE FROM log_outbox WHERE id <= $1;

-- name: register_time_last :one
SELECT coalesce((SELECT t FROM log_outbox ORDER BY id DESC LIMIT 1),
                (SELECT t FROM log_entry ORDER BY idx DESC LIMIT 1), 0);

-- Entries.

-- name: register_entry_add :exec
INSERT INTO log_entry (idx, outbox, type, t, leaf, leaf_hash, sequenced_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: register_subject_add :exec
INSERT INTO log_subject (digest, idx, type) VALUES ($1, $2, $3)
ON CONFLICT (digest, idx) DO NOTHING;

-- name: register_entry_hashes :many
SELECT idx, leaf_hash FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx;

-- name: register_entry_leaves :many
SELECT idx, leaf, leaf_hash FROM log_entry WHERE idx >= $1 AND idx < $2
ORDER BY idx;

-- name: register_entry_of_outbox :one
SELECT idx FROM log_entry WHERE outbox = $1;

-- name: register_entry_last :one
SELECT idx, outbox, t, sequenced_at FROM log_entry ORDER BY idx DESC LIMIT 1;

-- name: register_entry_outbox_at :one
SELECT coalesce(max(outbox), 0) FROM log_entry WHERE idx = $1;

-- name: register_entry_get :one
SELECT idx, type, t, leaf, sequenced_at FROM log_entry WHERE idx = $1;

-- name: register_entries_newest :many
SELECT idx, type, t, leaf, sequenced_at FROM log_entry WHERE idx < $1
ORDER BY idx DESC LIMIT $2;

-- name: register_entries_of_subject :many
SELECT e.idx, e.type, e.t, e.leaf, e.sequenced_at
FROM log_subject s JOIN log_entry e ON e.idx = s.idx
WHERE s.digest = $1 AND s.idx >= $2 ORDER BY s.idx LIMIT $3;

-- name: register_subjects_at :many
SELECT digest, type FROM log_subject WHERE idx = $1 ORDER BY digest;

-- name: register_subject_count :one
SELECT count(*) FROM log_subject;

-- State and heads.

-- name: register_state_get :one
SELECT vkey, epoch, size, root, published_size, published_at, swept_size
FROM log_state WHERE k = 1;

-- name: register_state_init :exec
INSERT INTO log_state (k, vkey, epoch, size, root, published_size, published_at,
                       swept_size)
VALUES (1, $1, 0, 0, $2, 0, 0, 0);

-- name: register_state_epoch :exec
UPDATE log_state SET epoch = epoch + 1 WHERE k = 1;

-- name: register_state_grow :exec
UPDATE log_state SET size = $4, root = $5
WHERE k = 1 AND epoch = $1 AND size = $2 AND root = $3;

-- name: register_state_published :exec
UPDATE log_state SET published_size = $2, published_at = $3
WHERE k = 1 AND epoch = $1 AND size >= $2;

-- name: register_state_swept :exec
UPDATE log_state SET swept_size = $2 WHERE k = 1 AND epoch = $1;

-- name: register_cp_add :exec
INSERT INTO log_cp (size, root, note, signed_at) VALUES ($1, $2, $3, $4);

-- name: register_cp_newest :one
SELECT size, root, note, signed_at FROM log_cp ORDER BY size DESC LIMIT 1;

-- name: register_cp_get :one
SELECT size, root, note, signed_at FROM log_cp WHERE size = $1;

-- name: register_cp_older :one
SELECT size FROM log_cp WHERE signed_at <= $1 ORDER BY size DESC LIMIT 1;

-- name: register_cp_list :many
SELECT size, root, note FROM log_cp WHERE size > $1 ORDER BY size LIMIT $2;

-- Openings of commitments.

-- name: register_opening_add :exec
INSERT INTO log_opening (outbox, field, salt, value) VALUES ($1, $2, $3, $4);

-- name: register_opening_get :one
SELECT o.salt, o.value, o.erased_at
FROM log_opening o JOIN log_entry e ON e.outbox = o.outbox
WHERE e.idx = $1 AND o.field = $2;

-- name: register_opening_erase :exec
UPDATE log_opening SET salt = NULL, value = NULL, erased_at = $3
WHERE outbox = (SELECT outbox FROM log_entry WHERE idx = $1)
  AND field = $2 AND erased_at IS NULL;
