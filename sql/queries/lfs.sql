-- The newest revision of repo $1 whose weights hold the file $2, which is not open.
-- name: lfs_revision :one
SELECT s.sha FROM subject_content c
JOIN revision_subject s ON s.subject = c.subject AND s.repo = $1
WHERE c.digest = $2 AND c.kind = 1 ORDER BY s.created DESC LIMIT 1;
