-- The database about itself.

-- name: db_migrations_applied :many
SELECT number, name, sha256 FROM schema_migration ORDER BY number;

-- name: db_migration_insert :exec
INSERT INTO schema_migration (number, name, sha256, applied)
VALUES ($1, $2, $3, $4);
