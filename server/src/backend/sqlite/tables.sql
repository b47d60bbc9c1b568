-- One row: the last event of the log. It is the first thing that a write transaction reads.
CREATE TABLE {flux_head} (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    event_id BLOB,
    generation INTEGER NOT NULL,
    layout INTEGER NOT NULL
){options};

INSERT INTO {flux_head} (id, position, timestamp, generation, layout) VALUES (1, 0, 0, 0, 5);

-- The schema that made each collection's table, as JSON. A generation is one set of tables.
CREATE TABLE {flux_schemas} (
    generation INTEGER NOT NULL,
    collection TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (generation, collection)
){options};

-- The log, in the order of its positions; also the collection `events`.
CREATE TABLE {events} (
    "position" INTEGER PRIMARY KEY,
    "id" BLOB NOT NULL UNIQUE,
    "timestamp" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "payload" TEXT,
    "meta" TEXT,
    "error" INTEGER
){options};

CREATE INDEX {events_type} ON {events} ("type");
