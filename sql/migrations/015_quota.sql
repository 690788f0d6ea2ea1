-- Bytes that an account has sent on a day (days since 1970), for its quota.
CREATE TABLE quota_day (
  account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
  day INTEGER NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;
