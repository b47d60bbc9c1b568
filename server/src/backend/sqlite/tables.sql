-- One row: the last event of the log. It is the first thing that a write transaction reads.
CREATE TABLE {flux_head} (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    event_id BLOB,
    layout INTEGER NOT NULL
){options};

INSERT INTO {flux_head} (id, position, timestamp, layout) VALUES (1, 0, 0, 2);

-- The schema that made each collection's table, as JSON.
CREATE TABLE {flux_schemas} (
    collection TEXT PRIMARY KEY,
    document TEXT NOT NULL
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
