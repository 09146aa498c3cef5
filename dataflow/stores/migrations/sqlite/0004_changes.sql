-- For readers that ask what has changed since a tick: documents that are gone, by the tick that took them
-- away, and from which tick on all changes are known. Null as long as no tick is written.

CREATE TABLE deleted_documents (
    view TEXT NOT NULL,
    id   TEXT NOT NULL,
    tick INTEGER NOT NULL,
    PRIMARY KEY (view, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX deleted_documents_ticks ON deleted_documents (tick, id);

ALTER TABLE progress ADD COLUMN changes_from INTEGER;
