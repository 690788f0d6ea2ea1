-- Notices: a quorum takes back its trust in a subject, openly. A notice is in
-- force from the publication of its leaf until its end, or until it is lifted.
CREATE TABLE notice (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE CHECK (length(public_id) = 32), -- the leaf's
  number INTEGER NOT NULL UNIQUE,       -- of the leaf, counting both kinds
  subject TEXT NOT NULL REFERENCES subject(sha256),
  repo INTEGER NOT NULL,                -- 0 in the open, else the private repo
  reason TEXT NOT NULL CHECK (reason IN ('safety', 'security', 'legal', 'evidence', 'key')),
  scope TEXT NOT NULL CHECK (scope IN ('this', 'descendants')),
  action TEXT NOT NULL CHECK (action IN ('stop-serving', 'stop-distribution',
    're-evaluate', 'destroy', 'notify')),
  legal_order TEXT CHECK (length(legal_order) = 64), -- digest of the order
  statement TEXT NOT NULL CHECK (length(statement) = 64),
  words TEXT NOT NULL,                  -- the approvers' reasons, as signed
  closes INTEGER NOT NULL CHECK (closes IN (0, 1)), -- 0: it stays open, marked
  issued INTEGER NOT NULL,              -- unix seconds
  until INTEGER NOT NULL,               -- the same
  leaf TEXT NOT NULL,
  outbox INTEGER NOT NULL UNIQUE,
  lifted INTEGER,                       -- unix seconds
  lifted_number INTEGER UNIQUE,
  lifted_outbox INTEGER UNIQUE,
  CHECK (until > issued),
  CHECK ((lifted IS NULL) = (lifted_outbox IS NULL)),
  CHECK ((reason = 'legal') = (legal_order IS NOT NULL))
) STRICT;
CREATE INDEX notice_subject ON notice (subject, repo);
CREATE INDEX notice_standing ON notice (until) WHERE lifted IS NULL;

-- Which weights it is about: under any name, in any repo.
CREATE TABLE notice_content (
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  notice INTEGER NOT NULL REFERENCES notice(id) ON DELETE CASCADE,
  PRIMARY KEY (sha256, notice)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_content_of ON notice_content (notice);
