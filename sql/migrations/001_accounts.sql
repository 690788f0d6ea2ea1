-- Who may do what: accounts, their organisations, and the three secrets that
-- say who is asking. Secrets are kept as SHA-256 only.
CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE CHECK (length(public_id) = 24),
  org INTEGER NOT NULL CHECK (org IN (0, 1)),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 42),
  fullname TEXT NOT NULL CHECK (length(fullname) <= 128),
  email TEXT NOT NULL CHECK (length(email) <= 254),
  operator INTEGER NOT NULL CHECK (operator IN (0, 1)),
  created INTEGER NOT NULL,
  disabled INTEGER                      -- since when, or null
) STRICT;
-- Names differ in more than case.
CREATE UNIQUE INDEX account_name ON account (lower(name));

CREATE TABLE member (
  org INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 3),  -- read, write, admin
  created INTEGER NOT NULL,
  PRIMARY KEY (org, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_account ON member (account, org);

CREATE TABLE token (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (length(name) <= 128),
  role INTEGER NOT NULL CHECK (role BETWEEN 1 AND 4),  -- and fineGrained
  created INTEGER NOT NULL,
  expires INTEGER                       -- or null: until revoked
) STRICT;
CREATE INDEX token_account ON token (account);

CREATE TABLE session (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account);
CREATE INDEX session_expires ON session (expires);

CREATE TABLE signin_link (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_link_account ON signin_link (account);
CREATE INDEX signin_link_expires ON signin_link (expires);
