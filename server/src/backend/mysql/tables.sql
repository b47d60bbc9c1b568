-- One row: the last event of the log. Whoever writes locks it first.
CREATE TABLE {flux_head} (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    `position` BIGINT NOT NULL,
    `timestamp` BIGINT NOT NULL,
    layout BIGINT NOT NULL
){options};

INSERT INTO {flux_head} (id, `position`, `timestamp`, layout) VALUES (1, 0, 0, 1);

-- The schema that made each collection's table, as JSON.
CREATE TABLE {flux_schemas} (
    collection VARCHAR(512) PRIMARY KEY,
    document LONGTEXT NOT NULL
){options};

-- The log, in the order of its positions; also the collection `events`.
CREATE TABLE {events} (
    `position` BIGINT PRIMARY KEY,
    `id` BINARY(16) NOT NULL UNIQUE,
    `timestamp` BIGINT NOT NULL,
    `type` VARCHAR(512) NOT NULL,
    `payload` LONGTEXT,
    `meta` LONGTEXT,
    `error` BOOLEAN
){options};

CREATE INDEX {events_type} ON {events} (`type`, `position`);
