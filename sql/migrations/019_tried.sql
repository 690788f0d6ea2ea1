-- When weighing a revision failed last; 0: never. The longest untried come
-- first, so that revisions which always fail keep no others waiting.
ALTER TABLE revision ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;
DROP INDEX revision_weighing;
CREATE INDEX revision_weighing ON revision (tried, created) WHERE state = 1;
