-- By partition the last record that the views were made from, so that a log that was cut and grew again
-- is told from the one that was read. JSON, an entry a partition: {"offset":12,"digest":"…"} or null
-- where it is not known. Null for a row that was written before.

ALTER TABLE progress ADD COLUMN last TEXT;
