-- The enforced lines as the register last recorded them are asked for at every
-- start.
CREATE INDEX log_entry_lines ON log_entry (idx) WHERE type IN ('genesis', 'lines');
