-- Keys of the gateway, kept as SHA-256 with the beginning that people know them
-- by, and what was used with each. Caps of 0 are none.
CREATE TABLE api_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
  shown TEXT NOT NULL CHECK (length(shown) <= 16),
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (length(name) <= 128),
  models TEXT NOT NULL,                 -- names, one a line; '' is all
  endpoints INTEGER NOT NULL CHECK (endpoints BETWEEN 1 AND 3), -- chat, text
  minute_requests INTEGER NOT NULL CHECK (minute_requests >= 0),
  minute_tokens INTEGER NOT NULL CHECK (minute_tokens >= 0),
  day_tokens INTEGER NOT NULL CHECK (day_tokens >= 0),
  streams INTEGER NOT NULL CHECK (streams >= 0),
  created INTEGER NOT NULL,
  expires INTEGER,                      -- or null: until revoked
  revoked INTEGER                       -- since when, or null
) STRICT;
CREATE INDEX api_key_account ON api_key (account, id);

CREATE TABLE api_usage (
  key INTEGER NOT NULL REFERENCES api_key(id) ON DELETE CASCADE,
  day INTEGER NOT NULL,                 -- since 1970, UTC
  model TEXT NOT NULL CHECK (length(model) <= 256),
  requests INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  PRIMARY KEY (key, day, model)
) STRICT, WITHOUT ROWID;

-- What may be asked for through the gateway: few among many.
CREATE INDEX repo_head_hosted ON repo_head (repo) WHERE tier_weights = 2;
