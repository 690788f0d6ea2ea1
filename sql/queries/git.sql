-- name: git_object_read :one
SELECT type, size, data, content FROM git_object WHERE repo = $1 AND oid = $2;

-- name: git_object_meta :one
SELECT type, size, content, lfs_sha256, lfs_size, class FROM git_object
WHERE repo = $1 AND oid = $2;

-- name: git_object_prefix :many
SELECT oid FROM git_object
WHERE repo = $1 AND oid >= $2 AND oid <= $3 ORDER BY oid LIMIT 2;

-- name: git_object_each :many
SELECT oid FROM git_object WHERE repo = $1;

-- name: git_object_add :exec
INSERT INTO git_object (repo, oid, type, size, data, content, lfs_sha256, lfs_size, class)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (repo, oid) DO NOTHING;

-- name: git_ref_read :one
SELECT oid FROM git_ref WHERE repo = $1 AND name = $2;

-- name: git_ref_each :many
SELECT name, oid FROM git_ref WHERE repo = $1 ORDER BY name;

-- name: git_ref_add :exec
INSERT INTO git_ref (repo, name, oid) VALUES ($1, $2, $3);

-- name: git_ref_move :exec
UPDATE git_ref SET oid = $3 WHERE repo = $1 AND name = $2 AND oid = $4;

-- name: git_ref_drop :exec
DELETE FROM git_ref WHERE repo = $1 AND name = $2;

-- name: git_ref_clash :one
SELECT name FROM git_ref
WHERE repo = $1
  AND (substr(name, 1, length($2) + 1) = $2 || '/'
       OR $2 = name
       OR substr($2, 1, length(name) + 1) = name || '/')
LIMIT 1;

-- name: git_reflog_add :exec
INSERT INTO git_reflog (repo, name, old, new, account, at)
VALUES ($1, $2, $3, $4, $5, $6);
