-- Large files. Every upload starts in sealed containers that serve one repo;
-- settled, it is a content of that repo, named by the SHA-256 that the keeper
-- computed. What a decision opens is brought into the clear once, for all.

CREATE TABLE container (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 32),
  repo INTEGER NOT NULL REFERENCES repo(id),
  wrapped BLOB NOT NULL,            -- its key, as only the keeper can read it
  size INTEGER NOT NULL DEFAULT 0,  -- plaintext bytes, once finished
  state INTEGER NOT NULL CHECK (state IN (1, 2, 3)), -- writing finished going
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX container_state ON container (state, created) WHERE state <> 2;

-- A multipart upload: its parts are containers of their own.
CREATE TABLE upload (
  id INTEGER PRIMARY KEY,
  repo INTEGER NOT NULL REFERENCES repo(id),
  account INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  part_size INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  UNIQUE (repo, sha256)
) STRICT;
CREATE INDEX upload_expires ON upload (expires);
CREATE TABLE upload_part (
  upload INTEGER NOT NULL REFERENCES upload(id) ON DELETE CASCADE,
  n INTEGER NOT NULL CHECK (n >= 1),
  container TEXT NOT NULL REFERENCES container(id),
  PRIMARY KEY (upload, n)
) STRICT, WITHOUT ROWID;

-- A repo possesses all bytes of this file: it was uploaded to it whole, or it
-- is open content that its uploader may read.
CREATE TABLE content (
  id INTEGER PRIMARY KEY,
  repo INTEGER NOT NULL REFERENCES repo(id),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  size INTEGER NOT NULL,
  statement TEXT,        -- the keeper's, null when only the open form exists
  scan TEXT,             -- the scanner's answer
  scan_statement TEXT,   -- the keeper's word for it
  claimed INTEGER NOT NULL DEFAULT 0, -- a commit refers to it
  created INTEGER NOT NULL,
  UNIQUE (repo, sha256)
) STRICT;
CREATE INDEX content_sha256 ON content (sha256);
CREATE INDEX content_unclaimed ON content (created) WHERE claimed = 0;
CREATE TABLE content_container (
  content INTEGER NOT NULL REFERENCES content(id) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  container TEXT NOT NULL REFERENCES container(id),
  PRIMARY KEY (content, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX content_container_id ON content_container (container);

-- In the clear: DATA/open/<aa>/<sha256> is complete and durable.
CREATE TABLE open_content (
  sha256 TEXT NOT NULL PRIMARY KEY CHECK (length(sha256) = 64),
  size INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
