-- Exams (line/exam.h). Only those that a published checkpoint covers are read.

-- name: exam_add :exec
INSERT INTO exam (subject, repo, digest, doc, made, outbox) VALUES ($1, $2, $3, $4, $5, $6);

-- The newest of a subject, as seen from a private repo (or 0: from none).
-- name: exam_newest :one
SELECT x.subject, x.repo, x.digest, x.doc, x.made, e.idx
FROM exam x JOIN log_entry e ON e.outbox = x.outbox
WHERE x.subject = $1 AND x.repo IN (0, $2)
  AND e.idx < (SELECT published_size FROM log_state)
ORDER BY x.id DESC LIMIT 1;

-- name: exam_by_digest :one
SELECT x.subject, x.repo, x.digest, x.doc, x.made, e.idx
FROM exam x JOIN log_entry e ON e.outbox = x.outbox
WHERE x.digest = $1 AND e.idx < (SELECT published_size FROM log_state)
ORDER BY x.id DESC LIMIT 1;
