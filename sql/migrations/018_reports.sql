-- Reports of danger: anybody may make one, a person answers it. Who reported is
-- not kept, nor an address: a receipt that only they have lets them read the
-- answer. The text is for those who answer, and is erased a while after.
CREATE TABLE report (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE CHECK (length(public_id) = 32),
  receipt TEXT NOT NULL CHECK (length(receipt) = 64), -- SHA-256 of the secret
  repo INTEGER REFERENCES repo(id) ON DELETE SET NULL,
  subject TEXT CHECK (length(subject) = 64), -- of its head then; may be null
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  received INTEGER NOT NULL,            -- microseconds
  due INTEGER NOT NULL,                 -- the same: by working hours
  outcome TEXT CHECK (outcome IN ('incident', 'known', 'elsewhere', 'unfounded')),
  answer TEXT,                          -- reasons, for who reported
  answered INTEGER,
  answered_by INTEGER,                  -- account of the reviewer
  CHECK ((outcome IS NULL) = (answered IS NULL)),
  CHECK ((outcome IS NULL) = (answer IS NULL))
) STRICT;
CREATE INDEX report_waiting ON report (due) WHERE answered IS NULL;
CREATE INDEX report_of_repo ON report (repo) WHERE answered IS NULL;

-- What a person found to be an incident: evidence `incident.open` about the
-- subject until it is closed.
CREATE TABLE incident (
  report INTEGER PRIMARY KEY REFERENCES report(id),
  subject TEXT NOT NULL CHECK (length(subject) = 64),
  opened INTEGER NOT NULL,
  closed INTEGER,
  reason TEXT,                          -- why it was closed
  closed_by INTEGER,
  CHECK ((closed IS NULL) = (reason IS NULL))
) STRICT;
CREATE INDEX incident_open ON incident (subject) WHERE closed IS NULL;
