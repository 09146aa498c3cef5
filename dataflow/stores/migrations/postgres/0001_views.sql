-- What PostgreSQL keeps of one space, in the space's own schema: the rows of route_stats_daily, the
-- dead letters, the documents that the document store refused, and the progress row.
--
-- Texts are compared by their bytes (COLLATE "C"), so that ORDER BY is the order of the exports on
-- every server, whatever its locale.

CREATE TABLE route_stats_daily (
    stat_date         date NOT NULL
                      CHECK (stat_date >= DATE '1970-01-01' AND stat_date < DATE '2200-01-01'),
    seller_region     text COLLATE "C" NOT NULL,
    customer_region   text COLLATE "C" NOT NULL,
    placed            bigint NOT NULL,
    approved          bigint NOT NULL,
    assigned          bigint NOT NULL,
    handed            bigint NOT NULL,
    delayed           bigint NOT NULL,
    delivered         bigint NOT NULL,
    delivered_late    bigint NOT NULL,
    lead_count        bigint NOT NULL,
    lead_seconds_sum  bigint NOT NULL,
    lead_seconds_p50  bigint,
    lead_seconds_p90  bigint,
    lead_seconds_p99  bigint,
    late_seconds_sum  bigint NOT NULL,
    PRIMARY KEY (stat_date, seller_region, customer_region)
);

CREATE TABLE dead_letters (
    partition integer NOT NULL,
    "offset"  bigint NOT NULL,
    code      text NOT NULL,
    reason    text NOT NULL,
    PRIMARY KEY (partition, "offset")
);

CREATE TABLE refused_documents (
    view       text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,            -- epoch * 2^42 + tick
    doc        text,                       -- what was sent; null for a delete
    reason     text NOT NULL,              -- the document store's own words
    refused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, id)
);

CREATE TABLE progress (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    format       integer NOT NULL,
    topic_id     text NOT NULL,
    epoch        bigint NOT NULL DEFAULT 0,
    tick         bigint NOT NULL DEFAULT 0,
    offsets      bigint[] NOT NULL DEFAULT '{}',  -- by partition the next offset to read
    visible_tick bigint NOT NULL DEFAULT 0,       -- up to here searches find every document
    written_at   timestamptz NOT NULL DEFAULT now()
);
