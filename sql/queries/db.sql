-- The database about itself.

-- name: db_migrations_applied :many
SELECT number, name, sha256 FROM schema_migration ORDER BY number;

-- name: db_migration_insert :exec
INSERT INTO schema_migration (number, name, sha256, applied)
VALUES ($1, $2, $3, $4);

-- name: db_schema :many
SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
ORDER BY type, name;
-- name: db_schema :many :postgres
SELECT table_name || ' ' || column_name || ' ' || data_type
FROM information_schema.columns WHERE table_schema = 'public'
ORDER BY table_name, ordinal_position;

-- name: db_quick_check :one
PRAGMA quick_check(1);
-- name: db_quick_check :one :postgres
SELECT 'ok';
