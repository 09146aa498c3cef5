-- Which format the table of each view that is kept as rows has. A table of another format than the
-- program's is made anew from the view's columns, and filled from the log. What an earlier version has
-- filled stays; in a new space every table is made from the columns.

CREATE TABLE view_formats (
    view   text COLLATE "C" PRIMARY KEY,
    format integer NOT NULL
);

INSERT INTO view_formats SELECT 'route_stats_daily', 1 FROM progress;
