-- Git objects and references of every repo. Objects belong to (repo, oid):
-- nobody reaches another repo's object by knowing its name.
CREATE TABLE git_object (
  id INTEGER PRIMARY KEY,
  repo INTEGER NOT NULL REFERENCES repo(id) ON DELETE CASCADE,
  oid BLOB NOT NULL CHECK (length(oid) = 20),
  type INTEGER NOT NULL CHECK (type IN (1, 2, 3, 4)), -- commit tree blob tag
  size INTEGER NOT NULL CHECK (size >= 0),
  data BLOB,              -- null when the bytes are content
  content TEXT,           -- sha256 of a regular blob larger than a row may be
  lfs_sha256 TEXT,        -- set on blobs that are LFS pointers
  lfs_size INTEGER,
  class TEXT NOT NULL DEFAULT '', -- the scanner's word for a regular blob
  CHECK ((data IS NULL) <> (content IS NULL))
) STRICT;
CREATE UNIQUE INDEX git_object_oid ON git_object (repo, oid);
CREATE INDEX git_object_content ON git_object (content) WHERE content IS NOT NULL;
CREATE INDEX git_object_lfs ON git_object (lfs_sha256, repo) WHERE lfs_sha256 IS NOT NULL;

CREATE TABLE git_ref (
  repo INTEGER NOT NULL REFERENCES repo(id) ON DELETE CASCADE,
  name TEXT NOT NULL,     -- refs/heads/main, refs/tags/v1, refs/pr/1
  oid BLOB NOT NULL CHECK (length(oid) = 20),
  PRIMARY KEY (repo, name)
) STRICT, WITHOUT ROWID;

-- Every move of a reference, for people and for repair.
CREATE TABLE git_reflog (
  id INTEGER PRIMARY KEY,
  repo INTEGER NOT NULL REFERENCES repo(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  old BLOB,
  new BLOB,
  account INTEGER,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX git_reflog_repo ON git_reflog (repo, name, id);
