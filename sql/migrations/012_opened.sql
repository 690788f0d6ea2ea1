-- Weights that a decision opened in this repo, in any of its revisions: a model
-- sent in pieces is weighed as one.
CREATE TABLE opened_weights (
  repo INTEGER NOT NULL REFERENCES repo(id) ON DELETE CASCADE,
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  PRIMARY KEY (repo, sha256)
) STRICT, WITHOUT ROWID;
