-- Accounts, membership, and the secrets of callers. Column order of account
-- rows is that of account_read in store/account.c.

-- name: account_any :one
SELECT 1 FROM account LIMIT 1;

-- name: account_by_id :one
SELECT id, public_id, org, name, fullname, email, operator, created,
       disabled IS NOT NULL
FROM account WHERE id = $1;

-- name: account_by_name :one
SELECT id, public_id, org, name, fullname, email, operator, created,
       disabled IS NOT NULL
FROM account WHERE lower(name) = lower($1);

-- name: account_insert :one
INSERT INTO account (public_id, org, name, fullname, email, operator, created)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id;

-- name: account_disable :exec
UPDATE account SET disabled = $2 WHERE id = $1 AND disabled IS NULL;

-- name: account_enable :exec
UPDATE account SET disabled = NULL WHERE id = $1;

-- name: member_set :exec
INSERT INTO member (org, account, role, created) VALUES ($1, $2, $3, $4)
ON CONFLICT (org, account) DO UPDATE SET role = excluded.role;

-- name: member_drop :exec
DELETE FROM member WHERE org = $1 AND account = $2;

-- name: member_role :one
SELECT role FROM member WHERE org = $1 AND account = $2;

-- name: member_other_admins :one
SELECT count(*) FROM member WHERE org = $1 AND account <> $2 AND role = 3;

-- name: member_admin_of :one
SELECT count(*) FROM member WHERE account = $1 AND role = 3;

-- name: member_orgs :many
SELECT a.id, a.public_id, a.org, a.name, a.fullname, a.email, a.operator,
       a.created, a.disabled IS NOT NULL, m.role
FROM member m JOIN account a ON a.id = m.org
WHERE m.account = $1 ORDER BY lower(a.name);

-- name: token_insert :one
INSERT INTO token (hash, account, name, role, created, expires, metrics)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id;

-- name: token_by_hash :one
SELECT a.id, a.public_id, a.org, a.name, a.fullname, a.email, a.operator,
       a.created, a.disabled IS NOT NULL,
       t.id, t.name, t.role, t.created, coalesce(t.expires, 0), t.metrics,
       coalesce(t.used_day, 0), coalesce(t.old_until, 0)
FROM token t JOIN account a ON a.id = t.account
WHERE (t.hash = $1 OR (t.old_hash = $1 AND t.old_until > $2))
  AND (t.expires IS NULL OR t.expires > $2);

-- name: token_list :many
SELECT id, name, role, created, coalesce(expires, 0), metrics,
       coalesce(used_day, 0), coalesce(old_until, 0)
FROM token WHERE account = $1 ORDER BY id;

-- name: token_by_id :one
SELECT id, name, role, created, coalesce(expires, 0), metrics,
       coalesce(used_day, 0), coalesce(old_until, 0)
FROM token WHERE account = $1 AND id = $2;

-- name: token_rotate :exec
UPDATE token
SET old_hash = CASE WHEN $4 > $5 THEN hash END,
    old_until = CASE WHEN $4 > $5 THEN $4 END, hash = $1
WHERE account = $2 AND id = $3;

-- name: token_used :exec
UPDATE token SET used_day = $2
WHERE id = $1 AND (used_day IS NULL OR used_day < $2);

-- name: token_scope_insert :exec
INSERT INTO token_scope (token, namespace, repo, role)
VALUES ($1, $2, $3, $4);

-- name: token_scope_role :one
SELECT coalesce(max(role), 0) FROM token_scope
WHERE token = $1 AND (namespace = $2 OR repo = $3);

-- name: token_scope_list :many
SELECT coalesce(s.namespace, 0), coalesce(s.repo, 0), s.role,
       coalesce(a.org, 0), coalesce(a.name, ''), coalesce(r.kind, 0),
       coalesce(r.full, '')
FROM token_scope s
LEFT JOIN account a ON a.id = s.namespace
LEFT JOIN repo r ON r.id = s.repo AND r.gone IS NULL
WHERE s.token = $1 AND (a.id IS NOT NULL OR r.id IS NOT NULL)
ORDER BY s.id;

-- name: token_delete :exec
DELETE FROM token WHERE account = $1 AND id = $2;

-- All of an account's, or those of two names.
-- name: token_delete_named :exec
DELETE FROM token WHERE account = $1 AND ($2 OR name IN ($3, $4));

-- name: token_count :one
SELECT count(*) FROM token WHERE account = $1;

-- name: session_insert :exec
INSERT INTO session (hash, account, created, expires) VALUES ($1, $2, $3, $4);

-- name: session_by_hash :one
SELECT a.id, a.public_id, a.org, a.name, a.fullname, a.email, a.operator,
       a.created, a.disabled IS NOT NULL,
       0, '', 3, s.created, s.expires, 0, 0, 0
FROM session s JOIN account a ON a.id = s.account
WHERE s.hash = $1 AND s.expires > $2;

-- All but the newest $2 of an account, oldest first.
-- name: session_over :many
SELECT hash, expires FROM session WHERE account = $1
ORDER BY expires DESC, hash LIMIT $3 OFFSET $2;

-- The key that a session has (gateway/portal.h) ends when it does: to the
-- microsecond, as no other key of this account.
-- name: session_key_end :one
UPDATE api_key SET revoked = $3
WHERE account = $1 AND expires = $2 AND revoked IS NULL RETURNING id;

-- name: session_keys_end_all :exec
UPDATE api_key SET revoked = $2
WHERE account = $1 AND revoked IS NULL AND EXISTS (
  SELECT 1 FROM session s
  WHERE s.account = api_key.account AND s.expires = api_key.expires);

-- name: session_keys_end_every :exec
UPDATE api_key SET revoked = $1
WHERE revoked IS NULL AND EXISTS (
  SELECT 1 FROM session s
  WHERE s.account = api_key.account AND s.expires = api_key.expires);

-- name: session_delete :exec
DELETE FROM session WHERE hash = $1;

-- name: session_delete_all :exec
DELETE FROM session WHERE account = $1;

-- name: session_delete_every :exec
DELETE FROM session;

-- name: session_sweep :exec
DELETE FROM session WHERE hash IN (
  SELECT hash FROM session WHERE expires <= $1 ORDER BY expires LIMIT $2);

-- name: signin_link_insert :exec
INSERT INTO signin_link (hash, account, expires) VALUES ($1, $2, $3);

-- name: signin_link_over :exec
DELETE FROM signin_link WHERE hash IN (
  SELECT hash FROM signin_link WHERE account = $1
  ORDER BY expires DESC, hash LIMIT $3 OFFSET $2);

-- name: signin_link_look :one
SELECT account FROM signin_link
WHERE hash = $1 AND expires > $2
  AND account IN (SELECT id FROM account WHERE disabled IS NULL);

-- name: signin_link_use :one
DELETE FROM signin_link
WHERE hash = $1 AND expires > $2
  AND account IN (SELECT id FROM account WHERE disabled IS NULL)
RETURNING account;

-- name: signin_link_delete_all :exec
DELETE FROM signin_link WHERE account = $1;

-- name: signin_link_delete_every :exec
DELETE FROM signin_link;

-- name: signin_link_sweep :exec
DELETE FROM signin_link WHERE hash IN (
  SELECT hash FROM signin_link WHERE expires <= $1 ORDER BY expires LIMIT $2);
