-- The schema that made each collection's table, as JSON. A generation is one set of tables.
CREATE TABLE {flux_schemas} (
    generation BIGINT NOT NULL,
    collection VARCHAR(512) NOT NULL,
    document LONGTEXT NOT NULL,
    PRIMARY KEY (generation, collection)
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

-- One row: the last event of the log. Whoever writes locks it first. Made last, for it tells that
-- the others are there: here each statement is a transaction of its own.
CREATE TABLE {flux_head} (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    `position` BIGINT NOT NULL,
    `timestamp` BIGINT NOT NULL,
    event_id BINARY(16),
    generation BIGINT NOT NULL,
    layout BIGINT NOT NULL
){options} AS
    SELECT 1 AS id, 0 AS `position`, 0 AS `timestamp`, NULL AS event_id,
        0 AS generation, 5 AS layout;
