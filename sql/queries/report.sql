-- Reports of danger (line/report.h).

-- name: report_add :exec
INSERT INTO report (public_id, receipt, repo, subject, kind, text, received, due)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: report_waiting_count :one
SELECT count(*), coalesce(sum(repo = $1), 0) FROM report WHERE answered IS NULL;

-- name: report_get :one
SELECT p.id, p.public_id, p.receipt, coalesce(p.repo, 0), p.subject, p.kind, p.text, p.received,
  p.due, p.outcome, p.answer, p.answered, i.opened IS NOT NULL, i.closed, r.full, r.kind
FROM report p LEFT JOIN incident i ON i.report = p.id LEFT JOIN repo r ON r.id = p.repo
WHERE p.public_id = $1;

-- Those that wait, the most urgent first.
-- name: report_desk :many
SELECT p.id, p.public_id, p.receipt, coalesce(p.repo, 0), p.subject, p.kind, p.text, p.received,
  p.due, p.outcome, p.answer, p.answered, i.opened IS NOT NULL, i.closed, r.full, r.kind
FROM report p LEFT JOIN incident i ON i.report = p.id LEFT JOIN repo r ON r.id = p.repo
WHERE p.answered IS NULL OR (i.opened IS NOT NULL AND i.closed IS NULL)
ORDER BY p.answered IS NOT NULL, p.due, p.id LIMIT $1;

-- name: report_answer :one
UPDATE report SET outcome = $2, answer = $3, answered = $4, answered_by = $5
WHERE id = $1 AND answered IS NULL RETURNING id;

-- name: incident_add :exec
INSERT INTO incident (report, subject, opened) VALUES ($1, $2, $3);

-- name: incident_close :one
UPDATE incident SET closed = $2, reason = $3, closed_by = $4
WHERE report = $1 AND closed IS NULL RETURNING report;

-- name: incident_count :one
SELECT count(*) FROM incident WHERE subject = $1 AND closed IS NULL;

-- name: report_figures :one
SELECT count(*), coalesce(sum(answered IS NULL), 0),
  coalesce(sum(answered IS NULL AND due < $1), 0), coalesce(sum(answered <= due), 0),
  (SELECT count(*) FROM incident WHERE closed IS NULL)
FROM report;

-- name: report_median :one
SELECT answered - received FROM report WHERE answered IS NOT NULL
ORDER BY answered - received LIMIT 1
OFFSET (SELECT (count(*) - 1) / 2 FROM report WHERE answered IS NOT NULL);

-- name: report_by_kind :many
SELECT kind, count(*), sum(answered IS NULL) FROM report GROUP BY kind ORDER BY kind;

-- name: report_by_outcome :many
SELECT outcome, count(*) FROM report WHERE outcome IS NOT NULL GROUP BY outcome ORDER BY outcome;

-- name: report_forget :exec
UPDATE report SET text = '' WHERE answered IS NOT NULL AND answered < $1 AND text <> '';
