-- name: revision_add :exec
INSERT INTO revision (repo, sha, state, created) VALUES ($1, $2, 1, $3)
ON CONFLICT (repo, sha) DO NOTHING;

-- name: revision_decided :exec
UPDATE revision SET state = 2, why = NULL WHERE repo = $1 AND sha = $2;

-- name: revision_undecidable :exec
UPDATE revision SET state = 2, why = $3 WHERE repo = $1 AND sha = $2;

-- name: revision_tried :exec
-- The next try is due 2, 4, 8 ... seconds from now, at most 18 hours.
UPDATE revision SET tries = tries + 1, due = $3 + (2000000 << min(tries, 15))
WHERE repo = $1 AND sha = $2;

-- name: revision_all_again :exec
UPDATE revision SET state = 1, why = NULL, due = 0, tries = 0 WHERE repo = $1;

-- name: revision_state :one
SELECT state, why FROM revision WHERE repo = $1 AND sha = $2;

-- name: revision_waiting :many
SELECT v.repo, v.sha, r.owner FROM revision v JOIN repo r ON r.id = v.repo
WHERE v.state = 1 AND r.gone IS NULL AND v.due <= $1
ORDER BY v.due, v.created LIMIT 1000;

-- name: subject_content_add :exec
INSERT INTO subject_content (digest, kind, subject) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING;

-- A subject other than $3 that holds this content and was found above a line,
-- in the open or in the repo $4: what a private repo put beside it binds nobody
-- else, and what was decided about it there ends nothing that was decided in
-- the open.
-- name: subject_content_held :many
SELECT c.subject, d.evidence FROM subject_content c JOIN decision d ON d.subject = c.subject
WHERE c.digest = $1 AND c.kind = $2 AND c.subject <> $3
  AND d.answer = 1 AND d.tier_weights < 3 AND (d.repo IS NULL OR d.repo = $4)
  AND NOT EXISTS (SELECT 1 FROM decision n WHERE n.subject = d.subject AND n.id > d.id
    AND (n.repo IS NULL OR n.repo = d.repo))
ORDER BY d.id LIMIT $5;

-- A subject whose weights are not open, and that holds this file.
-- name: subject_content_closed :one
SELECT c.subject FROM subject_content c JOIN decision d ON d.subject = c.subject
WHERE c.digest = $1 AND c.kind = 1 AND d.tier_weights < 3
  AND NOT EXISTS (SELECT 1 FROM decision n WHERE n.subject = d.subject AND n.id > d.id
    AND (n.repo IS NULL OR n.repo = d.repo))
LIMIT 1;

-- One in which this decision (subject, private repo or 0, row) is in effect; a public
-- repo's first, or what it decides anew would be a private repo's.
-- name: revision_of_decision :one
SELECT s.repo, s.sha FROM revision_subject s JOIN repo r ON r.id = s.repo
WHERE s.subject = $1 AND r.gone IS NULL AND ($2 = 0 OR (r.id = $2 AND r.private = 1))
  AND NOT EXISTS (SELECT 1 FROM decision n WHERE n.subject = $1 AND n.id > $3
                  AND (n.repo IS NULL OR (n.repo = r.id AND r.private = 1)))
ORDER BY r.private, s.created DESC LIMIT 1;

-- name: weighing_set :exec
INSERT INTO weighing (subject, digest, doc, created) VALUES ($1, $2, $3, $4)
ON CONFLICT (subject) DO NOTHING;

-- name: weighing_get :one
SELECT doc, created FROM weighing WHERE subject = $1;

-- name: opened_weights_add :exec
INSERT INTO opened_weights (repo, sha256) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: opened_weights_of :many
SELECT o.sha256, (SELECT c.scan FROM content c
                  WHERE c.sha256 = o.sha256 AND c.scan_statement IS NOT NULL LIMIT 1)
FROM opened_weights o WHERE o.repo = $1;
