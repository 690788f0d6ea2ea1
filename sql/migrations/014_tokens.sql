-- Tokens that may do one thing: in a namespace, in a repo, or read the metrics.
-- And a new secret for a token, beside which the old one works for a while.
ALTER TABLE token ADD COLUMN metrics INTEGER NOT NULL DEFAULT 0
  CHECK (metrics IN (0, 1));
ALTER TABLE token ADD COLUMN old_hash TEXT CHECK (length(old_hash) = 64);
ALTER TABLE token ADD COLUMN old_until INTEGER;
ALTER TABLE token ADD COLUMN used_day INTEGER;  -- days since 1970, or null
CREATE UNIQUE INDEX token_old_hash ON token (old_hash)
  WHERE old_hash IS NOT NULL;

-- What a token of role fineGrained may do: more rows, more rights.
CREATE TABLE token_scope (
  id INTEGER PRIMARY KEY,
  token INTEGER NOT NULL REFERENCES token(id) ON DELETE CASCADE,
  namespace INTEGER REFERENCES account(id) ON DELETE CASCADE,
  repo INTEGER REFERENCES repo(id) ON DELETE CASCADE,
  role INTEGER NOT NULL CHECK (role IN (1, 2)),  -- read, write
  CHECK ((namespace IS NULL) <> (repo IS NULL))
) STRICT;
CREATE INDEX token_scope_token ON token_scope (token);
CREATE INDEX token_scope_namespace ON token_scope (namespace);
CREATE INDEX token_scope_repo ON token_scope (repo);
