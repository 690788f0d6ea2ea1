-- What accounts have used up.

-- name: quota_day_add :exec
INSERT INTO quota_day (account, day, bytes) VALUES ($1, $2, $3)
ON CONFLICT (account, day) DO UPDATE SET bytes = bytes + excluded.bytes;

-- name: quota_day_forget :exec
DELETE FROM quota_day WHERE account = $1 AND day < $2;

-- name: quota_day_bytes :one
SELECT bytes FROM quota_day WHERE account = $1 AND day = $2;

-- name: quota_stored :one
SELECT coalesce(sum(c.size), 0) FROM repo r JOIN content c ON c.repo = r.id
WHERE r.owner = $1 AND r.gone IS NULL;

-- name: quota_weighing :one
SELECT count(*) FROM revision v JOIN repo r ON r.id = v.repo
WHERE v.state = 1 AND r.owner = $1;
