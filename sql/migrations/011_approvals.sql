-- Decisions by people: rosters, proposals, signatures, what a subject's tier
-- rests on, appeals. Texts are kept as they were signed.

-- Rosters, founding one first; in force is the newest that is published.
CREATE TABLE roster (
  version INTEGER PRIMARY KEY CHECK (version > 0),
  digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64),
  doc TEXT NOT NULL,
  statement TEXT NOT NULL,
  signatures TEXT NOT NULL,
  leaf TEXT NOT NULL,
  outbox INTEGER NOT NULL UNIQUE,
  created INTEGER NOT NULL
) STRICT;
CREATE TRIGGER roster_fixed BEFORE UPDATE ON roster
BEGIN SELECT RAISE(ABORT, 'a roster is not changed, it is followed by another'); END;
CREATE TRIGGER roster_kept BEFORE DELETE ON roster
BEGIN SELECT RAISE(ABORT, 'rosters are kept'); END;

-- A statement that was filed with its first signature. repo as in decision.
CREATE TABLE proposal (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE CHECK (length(public_id) = 32), -- its nonce
  digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64),
  text TEXT NOT NULL,
  act INTEGER NOT NULL,
  subject TEXT CHECK (length(subject) = 64),
  repo INTEGER REFERENCES repo(id) ON DELETE CASCADE,
  paper TEXT,                           -- the roster that is to follow
  not_after INTEGER NOT NULL,           -- unix seconds
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), -- signing approved done void
  signatures TEXT,                      -- those that made the quorum
  approval_outbox INTEGER UNIQUE,
  approval_leaf TEXT,
  due INTEGER,                          -- unix seconds: end of the cooling-off
  created INTEGER NOT NULL,
  CHECK ((state = 0) OR (state = 3) OR (signatures IS NOT NULL))
) STRICT;
CREATE INDEX proposal_subject ON proposal (subject, id);
CREATE INDEX proposal_due ON proposal (due) WHERE state = 1;
CREATE INDEX proposal_live ON proposal (not_after) WHERE state < 2;

-- Signatures for (0) and against (1); dissent is kept like consent. A key
-- signs a statement once.
CREATE TABLE proposal_signature (
  proposal INTEGER NOT NULL REFERENCES proposal(id) ON DELETE CASCADE,
  key TEXT NOT NULL CHECK (length(key) = 64),
  approver TEXT NOT NULL,
  affiliation TEXT NOT NULL,
  kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
  sig BLOB NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (proposal, key)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER proposal_signature_fixed BEFORE UPDATE ON proposal_signature
BEGIN SELECT RAISE(ABORT, 'a signature is not changed'); END;

-- The last counter of each security key that counts.
CREATE TABLE key_counter (
  key TEXT NOT NULL PRIMARY KEY CHECK (length(key) = 64),
  counter INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the tier of a subject rests on where people decided (line/tier.h). repo
-- is 0 for decisions in the open.
CREATE TABLE subject_tier (
  subject TEXT NOT NULL REFERENCES subject(sha256),
  repo INTEGER NOT NULL,
  mode INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 3),
  tier INTEGER NOT NULL CHECK (tier BETWEEN 0 AND 3),
  until INTEGER NOT NULL,
  granted INTEGER NOT NULL CHECK (granted BETWEEN 0 AND 3),
  grant_until INTEGER NOT NULL,
  grant_decision INTEGER NOT NULL,      -- whose papers open, or 0
  emergency INTEGER NOT NULL,
  holds INTEGER NOT NULL,
  PRIMARY KEY (subject, repo),
  CHECK (mode IN (0, 1) OR until > 0)   -- nothing is closed without an end
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_tier_until ON subject_tier (until) WHERE until > 0;

-- Weights that people closed once: by digest, so in every repo. Whether they are
-- closed now is what the subject's decision in effect says.
CREATE TABLE closed_content (
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  subject TEXT NOT NULL REFERENCES subject(sha256),
  repo INTEGER NOT NULL,
  PRIMARY KEY (sha256, subject, repo)
) STRICT, WITHOUT ROWID;
CREATE INDEX closed_content_subject ON closed_content (subject, repo);

-- Appeals against decisions. The text is for those who answer; the register
-- says only that there was one.
CREATE TABLE appeal (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE CHECK (length(public_id) = 32), -- the leaf's
  decision INTEGER NOT NULL REFERENCES decision(id) ON DELETE CASCADE,
  subject TEXT NOT NULL REFERENCES subject(sha256),
  repo INTEGER NOT NULL,
  account INTEGER NOT NULL,
  text TEXT NOT NULL,
  due INTEGER NOT NULL,                 -- unix seconds
  outbox INTEGER NOT NULL UNIQUE,
  outcome INTEGER CHECK (outcome IN (0, 1)), -- upheld changed; null: waits
  answer TEXT,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX appeal_waiting ON appeal (subject, repo) WHERE outcome IS NULL;

-- Who decided: 0 the lines, 1 approvers, 2 one approver in an emergency.
ALTER TABLE decision ADD COLUMN made_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE decision ADD COLUMN proposal INTEGER REFERENCES proposal(id);
CREATE INDEX decision_entry ON decision (idx) WHERE idx IS NOT NULL;
