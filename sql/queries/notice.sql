-- Notices. Only those whose leaf is in the register are ever read.

-- name: notice_number :one
SELECT (SELECT count(*) FROM notice) + (SELECT count(*) FROM notice WHERE lifted IS NOT NULL);

-- name: notice_add :one
INSERT INTO notice (public_id, number, subject, repo, reason, scope, action, legal_order,
  statement, words, closes, issued, until, leaf, outbox)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id;

-- name: notice_content_add :exec
INSERT INTO notice_content (sha256, notice) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: notice_lift :exec
UPDATE notice SET lifted = $2, lifted_number = $3, lifted_outbox = $4
WHERE id = $1 AND lifted IS NULL;

-- name: notice_by_id :one
SELECT n.id, n.public_id, n.number, n.subject, n.repo, n.reason, n.scope, n.action, n.legal_order,
  n.statement, n.words, n.closes, n.issued, n.until, n.leaf, e.idx, n.lifted, le.idx
FROM notice n JOIN log_entry e ON e.outbox = n.outbox
LEFT JOIN log_entry le ON le.outbox = n.lifted_outbox
WHERE n.public_id = $1;

-- Newest first; those about private repos only if asked for.
-- name: notice_list :many
SELECT n.id, n.public_id, n.number, n.subject, n.repo, n.reason, n.scope, n.action, n.legal_order,
  n.statement, n.words, n.closes, n.issued, n.until, n.leaf, e.idx, n.lifted, le.idx
FROM notice n JOIN log_entry e ON e.outbox = n.outbox
LEFT JOIN log_entry le ON le.outbox = n.lifted_outbox
WHERE n.id < $1 AND (n.repo = 0 OR $2) ORDER BY n.id DESC LIMIT $3;

-- In force, about this subject or about weights that this manifest names.
-- name: notice_standing :many
SELECT n.id, n.public_id, n.number, n.subject, n.repo, n.reason, n.scope, n.action, n.legal_order,
  n.statement, n.words, n.closes, n.issued, n.until, n.leaf, e.idx, n.lifted, le.idx
FROM notice n JOIN log_entry e ON e.outbox = n.outbox
LEFT JOIN log_entry le ON le.outbox = n.lifted_outbox
WHERE n.lifted IS NULL AND n.until > $1 AND n.repo IN (0, $2)
  AND (n.subject = $3 OR EXISTS (
    SELECT 1 FROM notice_content c JOIN subject s ON s.sha256 = $3
    WHERE c.notice = n.id AND instr(s.manifest, c.sha256) > 0))
ORDER BY n.id DESC LIMIT 8;

-- Of this subject alone, to be lifted.
-- name: notice_of_subject :many
SELECT n.id, e.idx FROM notice n JOIN log_entry e ON e.outbox = n.outbox
WHERE n.subject = $1 AND n.repo = $2 AND n.lifted IS NULL AND n.until > $3 ORDER BY n.id;

-- name: notice_files :many
SELECT sha256 FROM notice_content WHERE notice = $1 ORDER BY sha256 LIMIT 1000;

-- Repos whose head holds recalled weights: not in lists unless asked for.
-- name: notice_repos :many
SELECT DISTINCT h.repo FROM notice n JOIN notice_content c ON c.notice = n.id
JOIN content x ON x.sha256 = c.sha256 AND x.claimed = 1
JOIN repo_head h ON h.repo = x.repo
JOIN revision_subject v ON v.repo = h.repo AND v.sha = h.sha
JOIN subject s ON s.sha256 = v.subject
WHERE n.lifted IS NULL AND n.until > $1 AND n.repo IN (0, h.repo)
  AND EXISTS (SELECT 1 FROM log_entry e WHERE e.outbox = n.outbox)
  AND instr(s.manifest, c.sha256) > 0
ORDER BY h.repo LIMIT 10000;
