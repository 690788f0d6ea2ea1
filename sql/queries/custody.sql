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
