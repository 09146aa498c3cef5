-- Which format the table of each view has. A table of another format than the program's is made anew from
-- the view's columns, and filled from the log. The SQL views showed the documents as columns, which the
-- tables themselves have now.

CREATE TABLE view_formats (
    view   TEXT PRIMARY KEY NOT NULL,
    format INTEGER NOT NULL
) STRICT;

INSERT INTO view_formats VALUES ('shipment_events', 1), ('shipments', 1), ('route_stats_daily', 1);

DROP VIEW shipment_columns;
DROP VIEW event_columns;
