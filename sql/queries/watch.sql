-- The watch: evidence, alarms, cases, readings, counts. Columns of a case in
-- the order of read_case in watch/rows.c.

-- name: watch_tier :one
SELECT h.tier_weights FROM repo r JOIN repo_head h ON h.repo = r.id
WHERE r.kind = 1 AND lower(r.full) = lower($1) AND r.gone IS NULL;

-- name: watch_trace_get :one
SELECT state, used FROM watch_trace WHERE level = $1 AND id = $2 AND person = $3;

-- name: watch_trace_put :exec
INSERT INTO watch_trace (level, id, person, state, used) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (level, id, person) DO UPDATE SET state = excluded.state, used = excluded.used;

-- name: watch_trace_drop :exec
DELETE FROM watch_trace WHERE (level, id, person) IN
  (SELECT level, id, person FROM watch_trace WHERE used < $1 LIMIT 500);

-- name: watch_case_insert :one
INSERT INTO watch_case (public_id, secret, level, account, key, person, rung, state, log_e,
  layer, score, request, model, repeated, opened, acted, until)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12, $13, $14, $14, $15) RETURNING id;

-- name: watch_case_raise :exec
UPDATE watch_case SET rung = $2, log_e = $3, layer = $4, score = $5, request = $6, repeated = $7,
  acted = $8, until = $9 WHERE public_id = $1 AND state = 0 AND rung < $2;

-- name: watch_case_by_id :one
SELECT id, public_id, level, account, key, person, rung, state, log_e, layer, score, request,
  model, repeated, opened, acted, until, coalesce(closed, 0), coalesce(reason, ''), coalesce(decider, 0)
FROM watch_case WHERE public_id = $1;

-- name: watch_case_by_secret :one
SELECT id, public_id, level, account, key, person, rung, state, log_e, layer, score, request,
  model, repeated, opened, acted, until, coalesce(closed, 0), coalesce(reason, ''), coalesce(decider, 0)
FROM watch_case WHERE secret = $1;

-- name: watch_case_secret_put :exec
UPDATE watch_case SET secret = $2 WHERE public_id = $1 AND secret <> $2;

-- name: watch_case_in_force :many
SELECT id, public_id, level, account, key, person, rung, state, log_e, layer, score, request,
  model, repeated, opened, acted, until, coalesce(closed, 0), coalesce(reason, ''), coalesce(decider, 0)
FROM watch_case WHERE state IN (0, 2) AND until > $1 ORDER BY id;

-- name: watch_case_list :many
SELECT id, public_id, level, account, key, person, rung, state, log_e, layer, score, request,
  model, repeated, opened, acted, until, coalesce(closed, 0), coalesce(reason, ''), coalesce(decider, 0)
FROM watch_case WHERE rung >= $1 AND ($2 = 0 OR account = $2)
ORDER BY state <> 0, id DESC LIMIT $3;

-- name: watch_case_due :many
SELECT id, public_id, level, account, key, person, rung, state, log_e, layer, score, request,
  model, repeated, opened, acted, until, coalesce(closed, 0), coalesce(reason, ''), coalesce(decider, 0)
FROM watch_case WHERE state IN (0, 2) AND until <= $1 LIMIT 100;

-- name: watch_case_close :exec
UPDATE watch_case SET state = $2, closed = $3, reason = $4, decider = $5, until = $6
WHERE id = $1 AND state = $7;

-- name: watch_case_open_count :one
SELECT count(*) FROM watch_case WHERE state = 0 AND rung >= $1;

-- name: watch_alarm_insert :one
INSERT INTO watch_alarm (account, key, person, at, request, model, layer, reasons, score, p0,
  counted, e_key, e_person, e_account)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id;

-- name: watch_alarm_of_case :many
SELECT a.id, a.at, a.request, a.model, a.layer, a.reasons, a.score, a.p0, a.counted, a.e_key,
  a.e_person, a.e_account, t.alarm IS NOT NULL
FROM watch_alarm a LEFT JOIN watch_text t ON t.alarm = a.id
WHERE a.account = $1 AND ($2 = 0 OR a.key = $2) AND ($3 = '' OR a.person = $3) AND a.at <= $4
  AND a.at >= $5
ORDER BY a.at DESC, a.id DESC LIMIT $6;

-- name: watch_alarm_drop :exec
DELETE FROM watch_alarm WHERE id IN (SELECT id FROM watch_alarm WHERE at < $1 LIMIT 500);

-- name: watch_day_put :exec
INSERT INTO watch_day (day, salt) VALUES ($1, $2) ON CONFLICT (day) DO NOTHING;

-- name: watch_day_get :one
SELECT salt FROM watch_day WHERE day = $1;

-- name: watch_day_drop :exec
DELETE FROM watch_day WHERE day < $1;

-- name: watch_text_insert :exec
INSERT INTO watch_text (alarm, day, iv, sealed, cut) VALUES ($1, $2, $3, $4, $5);

-- name: watch_text_get :one
SELECT day, iv, sealed, cut FROM watch_text WHERE alarm = $1;

-- name: watch_text_count :one
SELECT count(*) FROM watch_text;

-- name: watch_appeal_insert :exec
INSERT INTO watch_appeal ("case", text, at) VALUES ($1, $2, $3);

-- name: watch_appeal_list :many
SELECT text, at FROM watch_appeal WHERE "case" = $1 ORDER BY id LIMIT 20;

-- name: watch_appeal_count :one
SELECT count(*) FROM watch_appeal WHERE "case" = $1;

-- name: watch_reviewer_put :exec
INSERT INTO watch_reviewer (account, since) VALUES ($1, $2) ON CONFLICT (account) DO NOTHING;

-- name: watch_reviewer_drop :exec
DELETE FROM watch_reviewer WHERE account = $1;

-- name: watch_reviewer_is :one
SELECT since FROM watch_reviewer WHERE account = $1;

-- name: watch_reviewer_list :many
SELECT a.name, r.since FROM watch_reviewer r JOIN account a ON a.id = r.account
ORDER BY r.since, a.name LIMIT 200;

-- name: watch_wish_put :exec
INSERT INTO watch_wish ("case", account, reason, at) VALUES ($1, $2, $3, $4)
ON CONFLICT ("case", account) DO UPDATE SET reason = excluded.reason, at = excluded.at;

-- name: watch_wish_list :many
SELECT a.name, w.reason, w.at, w.account FROM watch_wish w JOIN account a ON a.id = w.account
WHERE w."case" = $1 AND w.at >= $2 ORDER BY w.at LIMIT 20;

-- name: watch_reading_insert :exec
INSERT INTO watch_reading ("case", account, texts, at) VALUES ($1, $2, $3, $4);

-- name: watch_reading_list :many
SELECT at, texts FROM watch_reading WHERE "case" = $1 ORDER BY id LIMIT 50;

-- name: watch_count_add :exec
INSERT INTO watch_count (day, what, n) VALUES ($1, $2, $3)
ON CONFLICT (day, what) DO UPDATE SET n = n + excluded.n;

-- name: watch_count_sum :many
SELECT what, sum(n) FROM watch_count WHERE day >= $1 AND day <= $2 GROUP BY what ORDER BY what;

-- name: watch_logged_last :one
SELECT coalesce(max(day), 0) FROM watch_logged;

-- name: watch_count_first :one
SELECT coalesce(min(day), 0) FROM watch_count WHERE day > $1;

-- name: watch_logged_put :exec
INSERT INTO watch_logged (day, outbox) VALUES ($1, $2);

-- name: watch_hosted :many
SELECT r.full FROM repo r JOIN repo_head h ON h.repo = r.id
WHERE h.tier_weights = 2 AND r.kind = 1 AND r.gone IS NULL AND r.private = 0
ORDER BY r.full LIMIT 200;
