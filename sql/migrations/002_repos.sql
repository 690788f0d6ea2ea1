-- Repos. The row itself is narrow, because lists walk its indexes; what people
-- read of a repo's head lies in a table of its own.
CREATE TABLE repo (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
  public_id TEXT NOT NULL UNIQUE CHECK (length(public_id) = 24),
  kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3), -- model, dataset, space
  owner INTEGER NOT NULL REFERENCES account(id),
  full TEXT NOT NULL CHECK (length(full) BETWEEN 3 AND 139), -- namespace/name
  private INTEGER NOT NULL CHECK (private IN (0, 1)),
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  downloads INTEGER NOT NULL DEFAULT 0,
  likes INTEGER NOT NULL DEFAULT 0,
  gone INTEGER                          -- deleted since; purged later
) STRICT;
-- Names differ in more than case; a deleted repo gives its name back.
CREATE UNIQUE INDEX repo_full ON repo (kind, lower(full)) WHERE gone IS NULL;
CREATE INDEX repo_gone ON repo (gone) WHERE gone IS NOT NULL;
-- One index per sort key, public repos only. The last three columns make it
-- covering: a walk does not touch the rows.
CREATE INDEX repo_by_modified
  ON repo (kind, modified DESC, id DESC, owner, private, gone)
  WHERE private = 0 AND gone IS NULL;
CREATE INDEX repo_by_created
  ON repo (kind, created DESC, id DESC, owner, private, gone)
  WHERE private = 0 AND gone IS NULL;
CREATE INDEX repo_by_downloads
  ON repo (kind, downloads DESC, id DESC, owner, private, gone)
  WHERE private = 0 AND gone IS NULL;
CREATE INDEX repo_by_likes
  ON repo (kind, likes DESC, id DESC, owner, private, gone)
  WHERE private = 0 AND gone IS NULL;
CREATE INDEX repo_by_id
  ON repo (kind, id DESC, owner, private, gone)
  WHERE private = 0 AND gone IS NULL;
CREATE INDEX repo_by_owner ON repo (owner, kind, private, gone);

CREATE TABLE repo_head (
  repo INTEGER PRIMARY KEY REFERENCES repo(id) ON DELETE CASCADE,
  sha TEXT NOT NULL CHECK (length(sha) IN (0, 40)), -- commit of main, or ''
  tags TEXT NOT NULL,                   -- JSON array, in the card's order
  pipeline_tag TEXT NOT NULL,
  library TEXT NOT NULL,
  sdk TEXT NOT NULL,                    -- spaces
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  tier_source INTEGER NOT NULL CHECK (tier_source BETWEEN 0 AND 4),
  tier_software INTEGER NOT NULL CHECK (tier_software BETWEEN 0 AND 4),
  tier_data INTEGER NOT NULL CHECK (tier_data BETWEEN 0 AND 4),
  tier_weights INTEGER NOT NULL CHECK (tier_weights BETWEEN 0 AND 4),
  subject TEXT NOT NULL CHECK (length(subject) IN (0, 64)),
  card TEXT NOT NULL,                   -- front matter as JSON, or ''
  used INTEGER NOT NULL                 -- bytes of storage
) STRICT;

-- Tags, one set per kind. n counts public repos only: it is shown to everyone,
-- and the plan of a list is chosen by it.
CREATE TABLE tag (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 256),
  n INTEGER NOT NULL,
  UNIQUE (kind, name)
) STRICT;
CREATE INDEX tag_common ON tag (kind, n DESC, name);
CREATE TABLE repo_tag (
  tag INTEGER NOT NULL REFERENCES tag(id),
  repo INTEGER NOT NULL REFERENCES repo(id) ON DELETE CASCADE,
  PRIMARY KEY (tag, repo)
) STRICT, WITHOUT ROWID;
CREATE INDEX repo_tag_repo ON repo_tag (repo, tag);

-- Public repos of each kind.
CREATE TABLE repo_total (
  kind INTEGER PRIMARY KEY,
  n INTEGER NOT NULL
) STRICT;
INSERT INTO repo_total (kind, n) VALUES (1, 0), (2, 0), (3, 0);
