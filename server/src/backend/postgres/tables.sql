-- One row: the last event of the log. Whoever writes locks it first.
CREATE TABLE {flux_head} (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    "position" BIGINT NOT NULL,
    "timestamp" BIGINT NOT NULL,
    event_id UUID,
    generation BIGINT NOT NULL,
    layout BIGINT NOT NULL
) WITH (fillfactor = 10);

INSERT INTO {flux_head} (id, "position", "timestamp", generation, layout)
    VALUES (1, 0, 0, 0, 5);

-- The schema that made each collection's table, as JSON. A generation is one set of tables.
CREATE TABLE {flux_schemas} (
    generation BIGINT NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (generation, collection)
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
