-- Where each revision stands on its way from a commit to a decision.
CREATE TABLE revision (
  repo INTEGER NOT NULL REFERENCES repo(id) ON DELETE CASCADE,
  sha TEXT NOT NULL CHECK (length(sha) = 40),
  state INTEGER NOT NULL CHECK (state IN (1, 2)), -- weighing decided
  created INTEGER NOT NULL,
  PRIMARY KEY (repo, sha)
) STRICT, WITHOUT ROWID;
CREATE INDEX revision_weighing ON revision (created) WHERE state = 1;

-- Which subjects hold a content (kind 1: the file's SHA-256, kind 2: the digest
-- of its set of tensors), so that what was held is known again under any name.
CREATE TABLE subject_content (
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
  subject TEXT NOT NULL REFERENCES subject(sha256),
  PRIMARY KEY (digest, kind, subject)
) STRICT, WITHOUT ROWID;

-- The measured facts about a subject: the scanners' answers about its files.
CREATE TABLE weighing (
  subject TEXT NOT NULL PRIMARY KEY REFERENCES subject(sha256),
  digest TEXT NOT NULL,
  doc TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
