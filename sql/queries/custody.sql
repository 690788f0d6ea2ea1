-- Weights that people closed, sealed again (hub/retier.h).

-- name: closed_content_after :many
SELECT DISTINCT sha256 FROM closed_content WHERE sha256 > $1 ORDER BY sha256 LIMIT 200;

-- name: closed_content_of :many
SELECT DISTINCT sha256 FROM closed_content WHERE subject = $1 ORDER BY sha256 LIMIT 1000;

-- Who has this content, sealed or not.
-- name: content_owners :many
SELECT c.id, c.repo, r.kind, r.private, c.statement IS NOT NULL, c.size
FROM content c JOIN repo r ON r.id = c.repo
WHERE c.sha256 = $1 AND r.gone IS NULL ORDER BY c.id LIMIT 1000;

-- name: content_seal :one
UPDATE content SET statement = $2 WHERE id = $1 AND statement IS NULL RETURNING id;

-- A repo that has it in the clear only, or a blob that is it.
-- name: content_clear_only :one
SELECT 1 WHERE EXISTS (
    SELECT 1 FROM content c JOIN repo r ON r.id = c.repo
    WHERE c.sha256 = $1 AND c.statement IS NULL AND r.gone IS NULL)
  OR EXISTS (SELECT 1 FROM git_object WHERE content = $1);

-- Heads that show the tiers of what they hold of this content.
-- name: content_heads :many
SELECT c.repo, h.sha FROM content c JOIN repo r ON r.id = c.repo
JOIN repo_head h ON h.repo = c.repo
WHERE c.sha256 = $1 AND c.claimed = 1 AND r.gone IS NULL AND c.repo > $2
ORDER BY c.repo LIMIT 200;

-- What a backup has to hold beside the database: finished containers, and files
-- in the clear.
-- name: backup_containers :many
SELECT id FROM container WHERE state = 2 AND id > $1 ORDER BY id LIMIT 1000;

-- name: backup_open :many
SELECT sha256 FROM open_content WHERE sha256 > $1
UNION SELECT content FROM git_object WHERE content > $1
ORDER BY 1 LIMIT 1000;

-- Content that is sealed only, by repo: lost with the custody key.
-- name: sealed_only :many
SELECT r.kind, r.full, r.private, count(*), sum(c.size) FROM content c JOIN repo r ON r.id = c.repo
WHERE c.statement IS NOT NULL AND r.gone IS NULL
  AND NOT EXISTS (SELECT 1 FROM open_content o WHERE o.sha256 = c.sha256)
GROUP BY r.id ORDER BY r.kind, r.full LIMIT $1;

-- name: sealed_only_total :one
SELECT count(*), coalesce(sum(c.size), 0), count(DISTINCT c.repo) FROM content c JOIN repo r ON r.id = c.repo
WHERE c.statement IS NOT NULL AND r.gone IS NULL
  AND NOT EXISTS (SELECT 1 FROM open_content o WHERE o.sha256 = c.sha256);

-- A repo's content that exists in no form any more: its key was lost.
-- name: content_lost :one
SELECT id FROM content c WHERE c.repo = $1 AND c.sha256 = $2 AND c.statement IS NULL
  AND NOT EXISTS (SELECT 1 FROM open_content o WHERE o.sha256 = c.sha256);

-- Giving up what a lost key sealed: containers go, rows stay and say so.
-- name: custody_containers_going :exec
UPDATE container SET state = 3 WHERE id IN (
  SELECT x.container FROM content_container x JOIN content c ON c.id = x.content
  WHERE c.statement IS NOT NULL);

-- name: custody_containers_drop :exec
DELETE FROM content_container WHERE content IN (
  SELECT id FROM content WHERE statement IS NOT NULL);

-- name: custody_contents_give_up :exec
UPDATE content SET statement = NULL WHERE statement IS NOT NULL;

-- name: custody_uploads_end :exec
UPDATE upload SET expires = 0;
