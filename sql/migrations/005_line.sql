-- Subjects, the evidence about them, and what was decided. Documents are kept
-- in canonical form, as they were hashed.
CREATE TABLE subject (
  sha256 TEXT NOT NULL PRIMARY KEY CHECK (length(sha256) = 64),
  manifest TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT;

-- Which subject a commit has: none where nothing in it is weighed. Commits that
-- change neither weights nor code share one, and with it its decision.
CREATE TABLE revision_subject (
  repo INTEGER NOT NULL REFERENCES repo(id) ON DELETE CASCADE,
  sha TEXT NOT NULL CHECK (length(sha) = 40),
  subject TEXT NOT NULL REFERENCES subject(sha256),
  created INTEGER NOT NULL,
  PRIMARY KEY (repo, sha)
) STRICT, WITHOUT ROWID;
CREATE INDEX revision_subject_of ON revision_subject (subject, repo);

-- Every line document that a decision here ever applied, by digest.
CREATE TABLE line_document (
  digest TEXT NOT NULL PRIMARY KEY CHECK (length(digest) = 64),
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  doc TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX line_document_name ON line_document (name, version);

-- What decisions rest on.
CREATE TABLE evidence (
  digest TEXT NOT NULL PRIMARY KEY CHECK (length(digest) = 64),
  subject TEXT NOT NULL REFERENCES subject(sha256),
  doc TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX evidence_subject ON evidence (subject, created);

-- A decision takes effect when a published checkpoint covers its leaf. repo is
-- null for decisions that stand in the register in the open; a decision that is
-- only committed to there belongs to its private repo alone.
CREATE TABLE decision (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE CHECK (length(public_id) = 32), -- the leaf's
  subject TEXT NOT NULL REFERENCES subject(sha256),
  repo INTEGER REFERENCES repo(id) ON DELETE CASCADE,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  doc TEXT NOT NULL,
  leaf TEXT NOT NULL,                   -- as submitted
  evidence TEXT NOT NULL REFERENCES evidence(digest),
  answer INTEGER NOT NULL CHECK (answer BETWEEN 0 AND 2), -- below above unsure
  tier_source INTEGER NOT NULL CHECK (tier_source BETWEEN 0 AND 3),
  tier_software INTEGER NOT NULL CHECK (tier_software BETWEEN 0 AND 3),
  tier_data INTEGER NOT NULL CHECK (tier_data BETWEEN 0 AND 3),
  tier_weights INTEGER NOT NULL CHECK (tier_weights BETWEEN 0 AND 3),
  decided INTEGER NOT NULL,             -- unix seconds, as in the document
  until INTEGER NOT NULL,               -- the same, or 0: nothing is closed
  outbox INTEGER NOT NULL UNIQUE,       -- of the register
  idx INTEGER,                          -- in the register, once published
  published INTEGER,                    -- microseconds
  -- nothing is closed without an end
  CHECK (until > decided OR (tier_source = 3 AND tier_software = 3
                             AND tier_data = 3 AND tier_weights = 3)),
  CHECK ((idx IS NULL) = (published IS NULL))
) STRICT;
CREATE INDEX decision_subject ON decision (subject, repo, id);
CREATE INDEX decision_until ON decision (until) WHERE until > 0;
CREATE INDEX decision_waiting ON decision (outbox) WHERE published IS NULL;

CREATE TRIGGER decision_fixed BEFORE UPDATE ON decision
WHEN OLD.published IS NOT NULL OR NEW.doc <> OLD.doc OR NEW.leaf <> OLD.leaf
  OR NEW.subject <> OLD.subject OR NEW.outbox <> OLD.outbox
  OR NEW.tier_weights <> OLD.tier_weights OR NEW.until <> OLD.until
BEGIN SELECT RAISE(ABORT, 'a decision is not changed, it is followed by another'); END;

-- What lines in shadow would have said: the last answer of each.
CREATE TABLE shadow_result (
  subject TEXT NOT NULL REFERENCES subject(sha256),
  line TEXT NOT NULL,
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  answer INTEGER NOT NULL CHECK (answer BETWEEN 0 AND 2),
  result TEXT NOT NULL,
  at INTEGER NOT NULL,                  -- unix seconds
  PRIMARY KEY (subject, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX shadow_result_line ON shadow_result (line, answer);
