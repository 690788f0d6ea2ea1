-- name: subject_add :exec
INSERT INTO subject (sha256, manifest, created) VALUES ($1, $2, $3)
ON CONFLICT (sha256) DO NOTHING;

-- name: subject_manifest :one
SELECT manifest FROM subject WHERE sha256 = $1;

-- name: revision_subject_set :exec
INSERT INTO revision_subject (repo, sha, subject, created) VALUES ($1, $2, $3, $4)
ON CONFLICT (repo, sha) DO NOTHING;

-- name: revision_subject_get :one
SELECT subject FROM revision_subject WHERE repo = $1 AND sha = $2;

-- name: subject_repos :many
SELECT DISTINCT repo FROM revision_subject WHERE subject = $1 AND repo > $2
ORDER BY repo LIMIT 200;

-- name: line_document_add :exec
INSERT INTO line_document (digest, name, version, doc, created)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO NOTHING;

-- name: line_document_get :one
SELECT doc FROM line_document WHERE digest = $1;

-- name: evidence_add :exec
INSERT INTO evidence (digest, subject, doc, created) VALUES ($1, $2, $3, $4)
ON CONFLICT (digest) DO NOTHING;

-- name: evidence_get :one
SELECT doc FROM evidence WHERE digest = $1;

-- name: decision_add :one
INSERT INTO decision (public_id, subject, repo, digest, doc, leaf, evidence, answer,
  tier_source, tier_software, tier_data, tier_weights, decided, until, outbox)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
RETURNING id;

-- name: decision_publish :exec
UPDATE decision SET idx = $2, published = $3 WHERE outbox = $1 AND published IS NULL;

-- name: decision_waiting :many
SELECT d.outbox, e.idx FROM decision d JOIN log_entry e ON e.outbox = d.outbox
WHERE d.published IS NULL AND e.idx < $1 ORDER BY d.outbox LIMIT 200;

-- name: decision_current :one
SELECT id, public_id, subject, repo, digest, doc, leaf, evidence, answer, tier_source,
  tier_software, tier_data, tier_weights, decided, until, outbox, idx, published, made_by,
  coalesce(proposal, 0)
FROM decision WHERE subject = $1 AND (repo IS NULL OR repo = $2) AND published IS NOT NULL
ORDER BY id DESC LIMIT 1;

-- name: decision_latest :one
SELECT id, public_id, subject, repo, digest, doc, leaf, evidence, answer, tier_source,
  tier_software, tier_data, tier_weights, decided, until, outbox, idx, published, made_by,
  coalesce(proposal, 0)
FROM decision WHERE subject = $1 AND (repo IS NULL OR repo = $2)
ORDER BY id DESC LIMIT 1;

-- name: decision_by_public_id :one
SELECT id, public_id, subject, repo, digest, doc, leaf, evidence, answer, tier_source,
  tier_software, tier_data, tier_weights, decided, until, outbox, idx, published, made_by,
  coalesce(proposal, 0)
FROM decision WHERE public_id = $1;

-- name: decision_by_row :one
SELECT id, public_id, subject, repo, digest, doc, leaf, evidence, answer, tier_source,
  tier_software, tier_data, tier_weights, decided, until, outbox, idx, published, made_by,
  coalesce(proposal, 0)
FROM decision WHERE id = $1;

-- name: decision_of_subject :many
SELECT id, public_id, subject, repo, digest, doc, leaf, evidence, answer, tier_source,
  tier_software, tier_data, tier_weights, decided, until, outbox, idx, published, made_by,
  coalesce(proposal, 0)
FROM decision WHERE subject = $1 AND (repo IS NULL OR repo = $2) ORDER BY id DESC LIMIT $3;

-- name: decision_of_repo :many
SELECT id, public_id, subject, repo, digest, doc, leaf, evidence, answer, tier_source,
  tier_software, tier_data, tier_weights, decided, until, outbox, idx, published, made_by,
  coalesce(proposal, 0)
FROM decision
WHERE subject IN (SELECT subject FROM revision_subject WHERE repo = $1)
  AND (repo IS NULL OR repo = $1)
ORDER BY id DESC LIMIT $2;

-- What lines decided, ends soon, and is in effect in a repo that is there: the end of
-- what people decided is theirs, and what nobody has any more is not renewed for ever.
-- name: decision_due :many
SELECT d.id, d.public_id, d.subject, d.repo, d.digest, d.doc, d.leaf, d.evidence, d.answer,
  d.tier_source, d.tier_software, d.tier_data, d.tier_weights, d.decided, d.until, d.outbox,
  d.idx, d.published, d.made_by, coalesce(d.proposal, 0)
FROM decision d
WHERE d.until > 0 AND d.until <= $1 AND d.made_by = 0 AND NOT EXISTS (
  SELECT 1 FROM decision n WHERE n.subject = d.subject AND coalesce(n.repo, 0) = coalesce(d.repo, 0) AND n.id > d.id)
  AND EXISTS (
  SELECT 1 FROM revision_subject s JOIN repo r ON r.id = s.repo
  WHERE s.subject = d.subject AND r.gone IS NULL
    AND (d.repo IS NULL OR (d.repo = r.id AND r.private = 1))
    AND NOT EXISTS (SELECT 1 FROM decision n WHERE n.subject = d.subject AND n.id > d.id
                    AND (n.repo IS NULL OR (n.repo = r.id AND r.private = 1))))
ORDER BY d.until LIMIT $2;

-- name: shadow_result_set :exec
INSERT INTO shadow_result (subject, line, digest, answer, result, at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (subject, line) DO UPDATE SET digest = excluded.digest,
  answer = excluded.answer, result = excluded.result, at = excluded.at;

-- name: shadow_result_of_subject :many
SELECT result FROM shadow_result WHERE subject = $1 ORDER BY line;

-- name: shadow_result_count :many
SELECT answer, count(*) FROM shadow_result WHERE line = $1 GROUP BY answer ORDER BY answer;

-- All that the register tells of lines, in its order; what waits comes behind.
-- name: line_entries :many
SELECT idx, leaf FROM log_entry WHERE type IN ('genesis', 'lines') ORDER BY idx;

-- name: line_entries_waiting :many
SELECT leaf FROM log_outbox WHERE type IN ('genesis', 'lines') ORDER BY id;

-- The newest of both.
-- name: line_newest :one
SELECT leaf FROM (
  SELECT leaf, 1 AS waits, id AS at FROM log_outbox WHERE type IN ('genesis', 'lines')
  UNION ALL
  SELECT leaf, 0 AS waits, idx AS at FROM log_entry WHERE type IN ('genesis', 'lines'))
ORDER BY waits DESC, at DESC LIMIT 1;

-- name: line_recorded_at :one
SELECT idx FROM log_entry WHERE type IN ('genesis', 'lines') ORDER BY idx DESC LIMIT 1;

-- Lines on their way to the register.
-- name: line_waiting :one
SELECT count(*) FROM log_outbox WHERE type IN ('genesis', 'lines');

-- name: proposal_open_count :one
SELECT count(*) FROM proposal WHERE state = 0;

-- What an approver has signed for, and waits for others; what was signed under an
-- earlier roster waits for nothing.
-- name: proposal_open_of :one
SELECT count(DISTINCT p.id) FROM proposal p JOIN proposal_signature s ON s.proposal = p.id
WHERE p.state = 0 AND s.approver = $1 AND s.kind = 0
  AND p.created > (SELECT max(created) FROM roster);
