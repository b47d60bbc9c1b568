-- One row: the last event of the log. Whoever writes locks it first.
CREATE TABLE {flux_head} (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    "position" BIGINT NOT NULL,
    "timestamp" BIGINT NOT NULL,
    event_id UUID,
    layout BIGINT NOT NULL
) WITH (fillfactor = 10);

INSERT INTO {flux_head} (id, "position", "timestamp", layout) VALUES (1, 0, 0, 2);

-- The schema that made each collection's table, as JSON.
CREATE TABLE {flux_schemas} (
    collection TEXT COLLATE "C" PRIMARY KEY,
    document TEXT NOT NULL
);

-- The log, in the order of its positions; also the collection `events`.
CREATE TABLE {events} (
    "position" BIGINT PRIMARY KEY,
    "id" UUID NOT NULL UNIQUE,
    "timestamp" BIGINT NOT NULL,
    "type" TEXT COLLATE "C" NOT NULL,
    "payload" TEXT COLLATE "C",
    "meta" TEXT COLLATE "C",
    "error" BOOLEAN
);

CREATE INDEX {events_type} ON {events} ("type", "position");
