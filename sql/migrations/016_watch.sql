-- The watch over hosted models: evidence by key, person and account, alarmed
-- requests, cases and what people did about them. No row holds a text in the
-- clear; who asked is an id or a keyed digest.

-- The sequential evidence. id: a key's or (level 2) an account's; person: keyed
-- digest of what the caller said about its own user, '' otherwise.
CREATE TABLE watch_trace (
  level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2), -- key person account
  id INTEGER NOT NULL,
  person TEXT NOT NULL CHECK (length(person) IN (0, 16)),
  state BLOB NOT NULL,                  -- docs/formats/watch.md
  used INTEGER NOT NULL,
  PRIMARY KEY (level, id, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX watch_trace_used ON watch_trace (used);

CREATE TABLE watch_case (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE CHECK (length(public_id) = 32),
  secret TEXT NOT NULL UNIQUE CHECK (length(secret) = 64), -- SHA-256 of it
  level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2),
  account INTEGER NOT NULL,
  key INTEGER NOT NULL,                 -- 0 for an account's
  person TEXT NOT NULL CHECK (length(person) IN (0, 16)),
  rung INTEGER NOT NULL CHECK (rung BETWEEN 1 AND 5), -- the highest reached
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), -- open lifted confirmed lapsed
  log_e INTEGER NOT NULL,               -- millionths, at the last rung
  layer TEXT NOT NULL,
  score INTEGER NOT NULL,               -- millionths, of the request that did it
  request TEXT NOT NULL,
  model TEXT NOT NULL,
  repeated INTEGER NOT NULL,            -- queued for being repeated only
  opened INTEGER NOT NULL,
  acted INTEGER NOT NULL,               -- since when the highest rung
  until INTEGER NOT NULL,               -- what was done ends then
  closed INTEGER,
  reason TEXT,                          -- of who decided
  decider INTEGER REFERENCES account(id)
) STRICT;
CREATE INDEX watch_case_open ON watch_case (until) WHERE state IN (0, 2);
CREATE INDEX watch_case_account ON watch_case (account, id);

-- Alarmed requests. e_*: ln of the evidence after it, millionths.
CREATE TABLE watch_alarm (
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  key INTEGER NOT NULL,
  person TEXT NOT NULL CHECK (length(person) IN (0, 16)),
  at INTEGER NOT NULL,
  request TEXT NOT NULL CHECK (length(request) <= 64),
  model TEXT NOT NULL,
  layer TEXT NOT NULL,
  reasons TEXT NOT NULL,                -- one a line
  score INTEGER NOT NULL,               -- millionths: calibrated chance
  p0 INTEGER NOT NULL,                  -- millionths
  counted INTEGER NOT NULL,             -- yes retry alike session uncalibrated
  e_key INTEGER NOT NULL,
  e_person INTEGER NOT NULL,
  e_account INTEGER NOT NULL
) STRICT;
CREATE INDEX watch_alarm_account ON watch_alarm (account, at);
CREATE INDEX watch_alarm_at ON watch_alarm (at);

-- Texts of alarmed requests, AES-256-GCM under the key of the day, half of
-- which lies here and half in a file; both are destroyed together.
CREATE TABLE watch_day (
  day INTEGER PRIMARY KEY,              -- since 1970
  salt BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;
CREATE TABLE watch_text (
  alarm INTEGER PRIMARY KEY REFERENCES watch_alarm(id) ON DELETE CASCADE,
  day INTEGER NOT NULL REFERENCES watch_day(day) ON DELETE CASCADE,
  iv BLOB NOT NULL CHECK (length(iv) = 12),
  sealed BLOB NOT NULL,                 -- with the tag
  cut INTEGER NOT NULL
) STRICT;
CREATE INDEX watch_text_day ON watch_text (day);

CREATE TABLE watch_appeal (
  id INTEGER PRIMARY KEY,
  "case" INTEGER NOT NULL REFERENCES watch_case(id) ON DELETE CASCADE,
  text TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX watch_appeal_case ON watch_appeal ("case");

-- Who reviews. An operator names reviewers, and is none.
CREATE TABLE watch_reviewer (
  account INTEGER PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
  since INTEGER NOT NULL
) STRICT;

-- Wishes to read the texts of a case, and readings. A wish is not repeated.
CREATE TABLE watch_wish (
  "case" INTEGER NOT NULL REFERENCES watch_case(id) ON DELETE CASCADE,
  account INTEGER NOT NULL REFERENCES account(id),
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY ("case", account)
) STRICT, WITHOUT ROWID;
CREATE TABLE watch_reading (
  id INTEGER PRIMARY KEY,
  "case" INTEGER NOT NULL REFERENCES watch_case(id) ON DELETE CASCADE,
  account INTEGER NOT NULL REFERENCES account(id),
  texts INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX watch_reading_case ON watch_reading ("case");

-- Public counts by day and what happened; logged ones stand on the register.
CREATE TABLE watch_count (
  day INTEGER NOT NULL,
  what INTEGER NOT NULL,                -- watch_happened
  n INTEGER NOT NULL,
  PRIMARY KEY (day, what)
) STRICT, WITHOUT ROWID;
CREATE TABLE watch_logged (
  day INTEGER PRIMARY KEY,
  outbox INTEGER NOT NULL UNIQUE
) STRICT;
