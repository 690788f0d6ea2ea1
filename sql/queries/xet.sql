-- name: xorb_add :one
INSERT INTO xorb (repo, hash, container, used) VALUES ($1, $2, $3, $4)
ON CONFLICT (repo, hash) DO NOTHING RETURNING id;

-- name: xorb_table_add :exec
INSERT INTO xorb_table (xorb, chunks) VALUES ($1, $2);

-- name: xorb_find :one
SELECT id FROM xorb WHERE repo = $1 AND hash = $2;

-- name: xorb_touch :exec
UPDATE xorb SET used = $2 WHERE id = $1 AND used < $2;

-- name: xorb_chunks :one
SELECT x.id, t.chunks FROM xorb x JOIN xorb_table t ON t.xorb = x.id
WHERE x.repo = $1 AND x.hash = $2;

-- name: xorb_container :one
SELECT c.id, c.wrapped, c.size FROM xorb x JOIN container c ON c.id = x.container
WHERE x.repo = $1 AND x.hash = $2;

-- name: xorb_expired :many
SELECT id, container FROM xorb
WHERE used < $1 OR repo IN (SELECT id FROM repo WHERE gone IS NOT NULL) LIMIT 50;

-- name: xorb_drop :exec
DELETE FROM xorb WHERE id = $1;
