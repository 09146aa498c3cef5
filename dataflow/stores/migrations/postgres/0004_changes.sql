-- For readers that ask what has changed since a tick: documents that are gone, by the tick that took them
-- away, and from which tick on all changes are known. That is null until a tick is written over the
-- documents that lineage names; with no lineage, readers do not see those documents yet.

CREATE TABLE deleted_documents (
    view text COLLATE "C" NOT NULL,
    id   text COLLATE "C" NOT NULL,
    tick bigint NOT NULL,
    PRIMARY KEY (view, id)
);

CREATE INDEX deleted_documents_ticks ON deleted_documents (tick, id);

ALTER TABLE progress ADD COLUMN changes_from bigint;
ALTER TABLE progress ADD COLUMN lineage text;
