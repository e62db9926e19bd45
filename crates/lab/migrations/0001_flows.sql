-- A handoff, as far as it was recorded. `flow` counts up in the order in which they came.
CREATE TABLE flow (
    flow    INTEGER PRIMARY KEY AUTOINCREMENT,
    -- What its page's address has: the handoff's own id once it is known, the launch's until then, a
    -- request's if there is no more. `rank` says which: 2, 1, 0.
    id      TEXT    NOT NULL UNIQUE,
    rank    INTEGER NOT NULL,
    client  TEXT,
    -- Microseconds since 1970 by the clocks of the sites.
    began   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    -- 'under_way', 'opened', 'refused'; `reason` goes with the last.
    outcome TEXT    NOT NULL,
    reason  TEXT,
    steps   INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    -- Milliseconds since 1970 by the lab's own clock: what the age is counted from.
    kept_at INTEGER NOT NULL
);

CREATE INDEX flow_kept_at ON flow (kept_at);

-- What a flow is known by: the ids of the handoff, of its launch, of its session, and of its requests.
-- Their forms differ, so that none can be taken for another.
CREATE TABLE name (
    name TEXT    PRIMARY KEY,
    flow INTEGER NOT NULL REFERENCES flow (flow) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX name_flow ON name (flow);

-- A number is given once: who has read up to one reads on from there.
CREATE TABLE event (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    flow INTEGER NOT NULL REFERENCES flow (flow) ON DELETE CASCADE,
    body TEXT    NOT NULL
);

CREATE INDEX event_flow ON event (flow, seq);
