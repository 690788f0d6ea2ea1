-- name: roster_add :exec
INSERT INTO roster (version, digest, doc, statement, signatures, leaf, outbox, created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- Every roster with its entry, if it has one yet.
-- name: roster_list :many
SELECT r.version, r.digest, r.doc, r.statement, r.signatures, r.leaf, r.outbox, e.idx
FROM roster r LEFT JOIN log_entry e ON e.outbox = r.outbox ORDER BY r.version;

-- name: roster_newest :one
SELECT r.version, r.digest, r.doc, r.statement, r.signatures, r.leaf, r.outbox, e.idx
FROM roster r LEFT JOIN log_entry e ON e.outbox = r.outbox ORDER BY r.version DESC LIMIT 1;

-- name: proposal_add :one
INSERT INTO proposal (public_id, digest, text, act, subject, repo, paper, not_after, state, created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9) RETURNING id;

-- name: proposal_by_digest :one
SELECT p.id, p.public_id, p.digest, p.text, p.act, p.subject, coalesce(p.repo, 0), p.paper,
  p.not_after, p.state, p.signatures, p.approval_leaf, e.idx, e.t, p.due, p.created
FROM proposal p LEFT JOIN log_entry e ON e.outbox = p.approval_outbox WHERE p.digest = $1;

-- name: proposal_by_id :one
SELECT p.id, p.public_id, p.digest, p.text, p.act, p.subject, coalesce(p.repo, 0), p.paper,
  p.not_after, p.state, p.signatures, p.approval_leaf, e.idx, e.t, p.due, p.created
FROM proposal p LEFT JOIN log_entry e ON e.outbox = p.approval_outbox WHERE p.public_id = $1;

-- name: proposal_by_row :one
SELECT p.id, p.public_id, p.digest, p.text, p.act, p.subject, coalesce(p.repo, 0), p.paper,
  p.not_after, p.state, p.signatures, p.approval_leaf, e.idx, e.t, p.due, p.created
FROM proposal p LEFT JOIN log_entry e ON e.outbox = p.approval_outbox WHERE p.id = $1;

-- Those that wait, for signatures or for their time, before what is over.
-- name: proposal_newest :many
SELECT p.id, p.public_id, p.digest, p.text, p.act, p.subject, coalesce(p.repo, 0), p.paper,
  p.not_after, p.state, p.signatures, p.approval_leaf, e.idx, e.t, p.due, p.created
FROM proposal p LEFT JOIN log_entry e ON e.outbox = p.approval_outbox
WHERE p.id < $1 AND (p.repo IS NULL OR $2) ORDER BY p.state > 1, p.id DESC LIMIT $3;

-- name: proposal_ripe :many
SELECT p.id, p.public_id, p.digest, p.text, p.act, p.subject, coalesce(p.repo, 0), p.paper,
  p.not_after, p.state, p.signatures, p.approval_leaf, e.idx, e.t, p.due, p.created
FROM proposal p JOIN log_entry e ON e.outbox = p.approval_outbox
WHERE p.state = 1 AND p.due <= $1 AND e.idx < $2 ORDER BY p.due LIMIT 50;

-- name: proposal_approved :exec
UPDATE proposal SET state = 1, signatures = $2, approval_outbox = $3, approval_leaf = $4, due = $5
WHERE id = $1 AND state = 0;

-- name: proposal_done :exec
UPDATE proposal SET state = 2, signatures = coalesce(signatures, $2) WHERE id = $1 AND state < 2;

-- name: proposal_void :exec
UPDATE proposal SET state = 3 WHERE id = $1 AND state < 2;

-- name: proposal_void_old :exec
UPDATE proposal SET state = 3 WHERE state < 2 AND not_after <= $1;

-- name: proposal_signature_add :exec
INSERT INTO proposal_signature (proposal, key, approver, affiliation, kind, sig, created)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: proposal_signature_list :many
SELECT key, approver, affiliation, kind, sig, created FROM proposal_signature
WHERE proposal = $1 ORDER BY created, key;

-- name: key_counter_get :one
SELECT counter FROM key_counter WHERE key = $1;

-- name: key_counter_set :exec
INSERT INTO key_counter (key, counter) VALUES ($1, $2)
ON CONFLICT (key) DO UPDATE SET counter = excluded.counter;

-- name: subject_tier_get :one
SELECT mode, tier, until, granted, grant_until, grant_decision, emergency, holds
FROM subject_tier WHERE subject = $1 AND repo = $2;

-- name: subject_tier_set :exec
INSERT INTO subject_tier (subject, repo, mode, tier, until, granted, grant_until,
  grant_decision, emergency, holds)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (subject, repo) DO UPDATE SET mode = excluded.mode, tier = excluded.tier,
  until = excluded.until, granted = excluded.granted, grant_until = excluded.grant_until,
  grant_decision = excluded.grant_decision, emergency = excluded.emergency,
  holds = excluded.holds;

-- name: subject_tier_ended :many
SELECT subject, repo FROM subject_tier WHERE until > 0 AND until <= $1 ORDER BY until LIMIT 50;

-- name: subject_tier_holds :many
SELECT t.subject, t.repo, t.mode, t.tier, t.until, t.holds, d.public_id
FROM subject_tier t JOIN decision d ON d.id = (
  SELECT max(x.id) FROM decision x WHERE x.subject = t.subject AND coalesce(x.repo, 0) = t.repo)
WHERE t.mode IN (2, 3) AND t.repo = 0 ORDER BY t.until LIMIT $1;

-- What was granted for a time, and is not closed; what is open has no end.
-- name: subject_tier_grants :many
SELECT subject, granted, grant_until FROM subject_tier
WHERE mode = 1 AND repo = 0 AND grant_until > 0 AND until > 0 ORDER BY until LIMIT $1;

-- name: closed_content_add :exec
INSERT INTO closed_content (sha256, subject, repo) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- A closing in the open counts everywhere, one in a private repo there.
-- name: closed_content_find :many
SELECT subject, repo FROM closed_content WHERE sha256 = $1 AND repo IN (0, $2) LIMIT 256;

-- When it was last closed in an emergency, in the open or in this private repo.
-- name: closed_content_emergency :one
SELECT coalesce(max(t.emergency), 0) FROM closed_content c
JOIN subject_tier t ON t.subject = c.subject AND t.repo = c.repo
WHERE c.sha256 = $1 AND c.repo IN (0, $2);

-- name: appeal_add :one
INSERT INTO appeal (public_id, decision, subject, repo, account, text, due, outbox, created)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id;

-- name: appeal_waiting :one
SELECT a.id, a.public_id, e.idx, a.due FROM appeal a LEFT JOIN log_entry e ON e.outbox = a.outbox
WHERE a.subject = $1 AND a.repo = $2 AND a.outcome IS NULL ORDER BY a.id LIMIT 1;

-- name: appeal_answer :exec
UPDATE appeal SET outcome = $3, answer = $4
WHERE subject = $1 AND repo = $2 AND outcome IS NULL;

-- Those that wait first, the oldest before all: nobody's many newer ones hide it.
-- name: appeal_list :many
SELECT a.public_id, d.public_id, a.subject, a.text, a.due, a.outcome, a.answer, a.created, a.account
FROM appeal a JOIN decision d ON d.id = a.decision
WHERE a.repo = 0 AND a.id < $1
ORDER BY a.outcome IS NOT NULL, CASE WHEN a.outcome IS NULL THEN a.id ELSE -a.id END LIMIT $2;

-- What an account waits for: all of it, and about this decision.
-- name: appeal_of_account :one
SELECT count(*), count(CASE WHEN decision = $2 THEN 1 END) FROM appeal
WHERE account = $1 AND outcome IS NULL AND due > $3;

-- name: decision_person_add :one
INSERT INTO decision (public_id, subject, repo, digest, doc, leaf, evidence, answer,
  tier_source, tier_software, tier_data, tier_weights, decided, until, outbox, made_by, proposal)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
RETURNING id;

-- name: decision_made_by :one
SELECT made_by, coalesce(proposal, 0) FROM decision WHERE id = $1;

-- name: decision_of_proposal :one
SELECT public_id FROM decision WHERE proposal = $1 ORDER BY id DESC LIMIT 1;

-- name: decision_row_at :one
SELECT id FROM decision WHERE idx = $1;

-- What the lines hold where a public repo has it at its head, by the decision in
-- effect; the one that is decided anew first first.
-- name: decision_held :many
SELECT d.id FROM decision d
WHERE d.until > $1 AND d.tier_weights = 0 AND d.made_by = 0 AND d.repo IS NULL
  AND d.published IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM decision n WHERE n.subject = d.subject AND n.repo IS NULL
                  AND n.published IS NOT NULL AND n.id > d.id)
  AND EXISTS (SELECT 1 FROM revision_subject s JOIN repo_head h ON h.repo = s.repo AND h.sha = s.sha
              JOIN repo r ON r.id = s.repo
              WHERE s.subject = d.subject AND r.private = 0 AND r.gone IS NULL)
ORDER BY d.until LIMIT $2;
