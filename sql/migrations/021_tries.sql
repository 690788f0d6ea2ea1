-- A revision that could not be weighed is tried again after a time that doubles
-- with each try: a file that a scanner never comes to an end with costs less
-- and less, and what only the house was to blame for is made good soon.
ALTER TABLE revision RENAME COLUMN tried TO due;
ALTER TABLE revision ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
