-- Why a revision can not be weighed and is held for that: a sentence for its
-- owner. Such a revision is not tried again; null for all others.
ALTER TABLE revision ADD COLUMN why TEXT;
