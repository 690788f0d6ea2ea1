-- The register: what waits to be logged, what is logged, and every head that
-- was ever signed. Log rows are written once; the triggers hold even against a
-- hand in the database shell.

-- Written by the transaction of the event itself; emptied by the sequencer.
-- AUTOINCREMENT: an id is never used twice, for openings and waiters refer to it.
CREATE TABLE log_outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created INTEGER NOT NULL,
  type TEXT NOT NULL,
  t INTEGER NOT NULL,                 -- the leaf's time, unix seconds
  subjects TEXT NOT NULL,             -- sha256 hex, blank separated, may be ''
  leaf BLOB NOT NULL CHECK (length(leaf) BETWEEN 2 AND 4096),
  leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32)
) STRICT;

CREATE TABLE log_entry (
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  outbox INTEGER NOT NULL UNIQUE,
  type TEXT NOT NULL,
  t INTEGER NOT NULL,
  leaf BLOB NOT NULL,
  leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
  sequenced_at INTEGER NOT NULL
) STRICT;
CREATE INDEX log_entry_type ON log_entry (type, idx);

-- One row. Changed only by compare-and-swap on (epoch, size, root).
CREATE TABLE log_state (
  k INTEGER PRIMARY KEY CHECK (k = 1),
  vkey TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  size INTEGER NOT NULL,
  root TEXT NOT NULL CHECK (length(root) = 64),
  published_size INTEGER NOT NULL,
  published_at INTEGER NOT NULL,
  swept_size INTEGER NOT NULL         -- partial tiles below it are removed
) STRICT;

CREATE TABLE log_cp (
  size INTEGER PRIMARY KEY CHECK (size > 0),
  root TEXT NOT NULL CHECK (length(root) = 64),
  note TEXT NOT NULL,
  signed_at INTEGER NOT NULL
) STRICT;

-- Complete: every entry about a subject, so that absence can be shown.
CREATE TABLE log_subject (
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  idx INTEGER NOT NULL REFERENCES log_entry(idx),
  type TEXT NOT NULL,
  PRIMARY KEY (digest, idx)
) STRICT, WITHOUT ROWID;

-- What stands behind a commitment in a leaf; salt and value can be erased, the
-- row says then that there was one.
CREATE TABLE log_opening (
  outbox INTEGER NOT NULL,
  field TEXT NOT NULL,
  salt BLOB CHECK (length(salt) = 32),
  value BLOB,
  erased_at INTEGER,
  PRIMARY KEY (outbox, field),
  CHECK ((salt IS NULL) = (value IS NULL)),
  CHECK ((salt IS NULL) = (erased_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER log_entry_order BEFORE INSERT ON log_entry
WHEN NEW.idx <> coalesce((SELECT max(idx) FROM log_entry) + 1, 0)
BEGIN SELECT RAISE(ABORT, 'entries of the register are numbered without gaps'); END;
CREATE TRIGGER log_entry_update BEFORE UPDATE ON log_entry
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER log_entry_delete BEFORE DELETE ON log_entry
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;

CREATE TRIGGER log_cp_order BEFORE INSERT ON log_cp
WHEN NEW.size <= (SELECT max(size) FROM log_cp)
BEGIN SELECT RAISE(ABORT, 'a head of the register is signed once'); END;
CREATE TRIGGER log_cp_update BEFORE UPDATE ON log_cp
BEGIN SELECT RAISE(ABORT, 'signed heads are kept'); END;
CREATE TRIGGER log_cp_delete BEFORE DELETE ON log_cp
BEGIN SELECT RAISE(ABORT, 'signed heads are kept'); END;

CREATE TRIGGER log_state_delete BEFORE DELETE ON log_state
BEGIN SELECT RAISE(ABORT, 'the state of the register is kept'); END;
CREATE TRIGGER log_state_back BEFORE UPDATE ON log_state
WHEN NEW.size < OLD.size OR NEW.published_size < OLD.published_size
  OR NEW.epoch < OLD.epoch OR NEW.vkey <> OLD.vkey
  OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
BEGIN SELECT RAISE(ABORT, 'the register does not go back'); END;

CREATE TRIGGER log_subject_update BEFORE UPDATE ON log_subject
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER log_subject_delete BEFORE DELETE ON log_subject
BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
