-- Exams of hosted models (line/exam.h): what they measured, as published. An
-- exam counts from the publication of its leaf. No prompt and no answer of a
-- model is ever in here.
CREATE TABLE exam (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL REFERENCES subject(sha256),
  repo INTEGER NOT NULL,                -- 0 in the open, else the private repo
  digest TEXT NOT NULL CHECK (length(digest) = 64), -- of doc
  doc TEXT NOT NULL,                    -- canonical JSON: docs/formats/exam.md
  made INTEGER NOT NULL,                -- microseconds
  outbox INTEGER NOT NULL UNIQUE
) STRICT;
CREATE INDEX exam_subject ON exam (subject, repo);
CREATE INDEX exam_digest ON exam (digest);
