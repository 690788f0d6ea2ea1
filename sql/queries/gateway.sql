-- Keys of the gateway and what was used with them. Columns of a key in the
-- order of read_key in gateway/keys.c.

-- name: api_key_insert :one
INSERT INTO api_key (hash, shown, account, name, models, endpoints, minute_requests,
  minute_tokens, day_tokens, streams, created, expires)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id;

-- name: api_key_by_hash :one
SELECT k.id, k.shown, k.account, k.name, k.models, k.endpoints, k.minute_requests,
  k.minute_tokens, k.day_tokens, k.streams, k.created, coalesce(k.expires, 0),
  coalesce(k.revoked, 0), a.disabled IS NOT NULL
FROM api_key k JOIN account a ON a.id = k.account WHERE k.hash = $1;

-- All that are not revoked, and of the others the newest: whoever makes and
-- revokes keys all day can leave any number of them.
-- name: api_key_list :many
SELECT k.id, k.shown, k.account, k.name, k.models, k.endpoints, k.minute_requests,
  k.minute_tokens, k.day_tokens, k.streams, k.created, coalesce(k.expires, 0),
  coalesce(k.revoked, 0), 0
FROM api_key k WHERE k.id IN (SELECT x.id FROM api_key x WHERE x.account = $1
  ORDER BY x.revoked IS NOT NULL, x.id DESC LIMIT 2000) ORDER BY k.id;

-- Those in force at this time: sessions leave a key each when they end.
-- name: api_key_count :one
SELECT count(*) FROM api_key
WHERE account = $1 AND revoked IS NULL AND (expires IS NULL OR expires > $2);

-- name: api_key_revoke :one
UPDATE api_key SET revoked = $3 WHERE account = $1 AND id = $2 AND revoked IS NULL
RETURNING id;

-- Of its ended keys an account keeps the newest $2. An account that has more
-- which ended before $1, and the oldest that stays.
-- name: api_key_crowd :one
SELECT account FROM api_key WHERE coalesce(revoked, expires) <= $1
GROUP BY account HAVING count(*) > $2 LIMIT 1;

-- name: api_key_oldest_kept :one
SELECT id FROM api_key WHERE account = $1 AND coalesce(revoked, expires) <= $2
ORDER BY id DESC LIMIT 1 OFFSET $3 - 1;

-- What at most $4 older ones used becomes that one's, so that sums stay.
-- name: api_usage_fold :exec
INSERT INTO api_usage (key, day, model, requests, prompt_tokens, completion_tokens)
SELECT $3, day, model, sum(requests), sum(prompt_tokens), sum(completion_tokens)
FROM api_usage WHERE key IN (SELECT id FROM api_key WHERE account = $1
  AND coalesce(revoked, expires) <= $2 AND id < $3 ORDER BY id LIMIT $4)
GROUP BY day, model
ON CONFLICT (key, day, model) DO UPDATE SET requests = requests + excluded.requests,
  prompt_tokens = prompt_tokens + excluded.prompt_tokens,
  completion_tokens = completion_tokens + excluded.completion_tokens;

-- name: api_key_forget :exec
DELETE FROM api_key WHERE id IN (SELECT id FROM api_key WHERE account = $1
  AND coalesce(revoked, expires) <= $2 AND id < $3 ORDER BY id LIMIT $4);

-- name: api_key_shown :one
SELECT shown FROM api_key WHERE id = $1;

-- name: api_usage_add :exec
INSERT INTO api_usage (key, day, model, requests, prompt_tokens, completion_tokens)
SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT 1 FROM api_key WHERE id = $1)
ON CONFLICT (key, day, model) DO UPDATE SET requests = requests + excluded.requests,
  prompt_tokens = prompt_tokens + excluded.prompt_tokens,
  completion_tokens = completion_tokens + excluded.completion_tokens;

-- name: api_usage_day :one
SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM api_usage
WHERE key = $1 AND day = $2;

-- What all keys of an account used in a day.
-- name: api_usage_day_all :one
SELECT coalesce(sum(u.prompt_tokens + u.completion_tokens), 0)
FROM api_key k JOIN api_usage u ON u.key = k.id AND u.day = $2 WHERE k.account = $1;

-- name: api_usage_of_account :many
SELECT u.key, k.shown, k.name, u.day, u.model, u.requests, u.prompt_tokens, u.completion_tokens
FROM api_usage u JOIN api_key k ON k.id = u.key
WHERE k.account = $1 AND u.day >= $2 ORDER BY u.day DESC, u.key, u.model LIMIT 5000;

-- name: gateway_hosted :many
SELECT r.full FROM repo_head h JOIN repo r ON r.id = h.repo
WHERE h.tier_weights = 2 AND r.kind = 1 AND r.gone IS NULL ORDER BY r.id LIMIT 1000;
