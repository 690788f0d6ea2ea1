-- name: container_add :exec
INSERT INTO container (id, repo, wrapped, state, created) VALUES ($1, $2, $3, 1, $4);

-- name: container_done :exec
UPDATE container SET state = 2, size = $2 WHERE id = $1 AND state = 1;

-- name: container_going :exec
UPDATE container SET state = 3 WHERE id = $1;

-- name: container_drop :exec
DELETE FROM container WHERE id = $1 AND state = 3;

-- name: container_stale :many
SELECT id FROM container
WHERE state = 3 OR (state = 1 AND created < $1) ORDER BY created LIMIT 200;

-- name: content_of_repo :many
SELECT id FROM content WHERE repo = $1 LIMIT 50;

-- name: upload_of_repo :many
SELECT id FROM upload WHERE repo = $1 LIMIT 50;

-- name: container_of_repo_left :one
SELECT count(*) FROM container WHERE repo = $1;

-- name: upload_find :one
SELECT id, account, size, part_size, expires FROM upload WHERE repo = $1 AND sha256 = $2;

-- name: upload_add :one
INSERT INTO upload (repo, account, sha256, size, part_size, expires)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (repo, sha256) DO UPDATE SET expires = excluded.expires
RETURNING id;

-- name: upload_drop :exec
DELETE FROM upload WHERE id = $1;

-- name: upload_expired :many
SELECT id FROM upload WHERE expires < $1 LIMIT 50;

-- name: upload_part_set :exec
INSERT INTO upload_part (upload, n, container) VALUES ($1, $2, $3)
ON CONFLICT (upload, n) DO UPDATE SET container = excluded.container;

-- name: upload_part_get :one
SELECT container FROM upload_part WHERE upload = $1 AND n = $2;

-- name: upload_parts :many
SELECT p.n, c.id, c.wrapped, c.size FROM upload_part p JOIN container c ON c.id = p.container
WHERE p.upload = $1 ORDER BY p.n;

-- name: upload_parts_going :exec
UPDATE container SET state = 3
WHERE id IN (SELECT container FROM upload_part WHERE upload = $1);

-- name: content_add :one
INSERT INTO content (repo, sha256, size, statement, created)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (repo, sha256) DO NOTHING RETURNING id;

-- name: content_container_add :exec
INSERT INTO content_container (content, n, container) VALUES ($1, $2, $3);

-- name: content_find :one
SELECT id, repo, sha256, size, statement, scan, scan_statement, claimed FROM content
WHERE repo = $1 AND sha256 = $2;

-- name: content_by_id :one
SELECT id, repo, sha256, size, statement, scan, scan_statement, claimed FROM content
WHERE id = $1;

-- name: content_readable :one
SELECT c.id, c.repo, c.sha256, c.size, c.statement, c.scan, c.scan_statement, c.claimed
FROM content c JOIN repo r ON r.id = c.repo
JOIN open_content o ON o.sha256 = c.sha256
WHERE c.sha256 = $1 AND c.claimed = 1 AND r.gone IS NULL
  AND (r.private = 0 OR r.owner = $2 OR EXISTS (
    SELECT 1 FROM member m WHERE m.org = r.owner AND m.account = $2))
LIMIT 1;

-- name: content_containers :many
SELECT c.id, c.wrapped, c.size FROM content_container x JOIN container c ON c.id = x.container
WHERE x.content = $1 ORDER BY x.n;

-- name: content_containers_going :exec
UPDATE container SET state = 3
WHERE id IN (SELECT container FROM content_container WHERE content = $1);

-- name: content_containers_drop :exec
DELETE FROM content_container WHERE content = $1;

-- name: content_scan_set :exec
UPDATE content SET scan = $2, scan_statement = $3 WHERE id = $1;

-- name: content_scan_any :one
SELECT scan, scan_statement FROM content
WHERE sha256 = $1 AND scan_statement IS NOT NULL LIMIT 1;

-- name: content_claim :exec
UPDATE content SET claimed = 1 WHERE repo = $1 AND sha256 = $2;

-- name: content_claimed :one
SELECT 1 FROM content WHERE repo = $1 AND sha256 = $2 AND claimed = 1;

-- name: content_unsealed :exec
UPDATE content SET statement = NULL WHERE id = $1;

-- name: content_unclaimed :many
SELECT id FROM content WHERE claimed = 0 AND created < $1 LIMIT 50;

-- name: content_drop :exec
DELETE FROM content WHERE id = $1;

-- name: content_sealed_twins :many
SELECT id FROM content WHERE sha256 = $1 AND statement IS NOT NULL LIMIT 100;

-- name: open_content_add :exec
INSERT INTO open_content (sha256, size, created) VALUES ($1, $2, $3)
ON CONFLICT (sha256) DO NOTHING;

-- name: open_content_find :one
SELECT size FROM open_content WHERE sha256 = $1;

-- Any repo that has it, and any blob that is it or points to it.
-- name: open_content_needed :one
SELECT 1 WHERE EXISTS (SELECT 1 FROM content WHERE sha256 = $1)
  OR EXISTS (SELECT 1 FROM git_object WHERE content = $1)
  OR EXISTS (SELECT 1 FROM git_object WHERE lfs_sha256 = $1);

-- name: open_content_drop :exec
DELETE FROM open_content WHERE sha256 = $1;
