-- Xorbs of running uploads: verified, sealed, of one repo. They are a landing
-- form: a file's own containers are made from them before a commit may name it.
CREATE TABLE xorb (
  id INTEGER PRIMARY KEY,
  repo INTEGER NOT NULL REFERENCES repo(id),
  hash TEXT NOT NULL CHECK (length(hash) = 64), -- its 32 bytes in order
  container TEXT NOT NULL UNIQUE REFERENCES container(id),
  used INTEGER NOT NULL,                -- when an upload named it last
  UNIQUE (repo, hash)
) STRICT;
CREATE INDEX xorb_used ON xorb (used);
-- Apart from the row, which every upload that names it writes again.
CREATE TABLE xorb_table (
  xorb INTEGER PRIMARY KEY REFERENCES xorb(id) ON DELETE CASCADE,
  chunks BLOB NOT NULL                  -- docs/formats/xet.md
) STRICT;
