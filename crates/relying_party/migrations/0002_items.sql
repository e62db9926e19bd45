-- Notes and tasks are one thing to keep: a text of a person's, which may be done. Each application
-- has a database of its own, so nothing of the one meets anything of the other here.

CREATE TABLE item (
    seq INTEGER PRIMARY KEY, -- in the order of writing
    id TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    text TEXT NOT NULL,
    done INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    undo_until INTEGER -- deleted; until then it can be brought back
) STRICT;
CREATE INDEX item_owner ON item (issuer, user_id);
CREATE INDEX item_undo_until ON item (undo_until);

INSERT INTO item (id, issuer, user_id, text, done, created_at)
    SELECT id, issuer, user_id, text, 0, created_at FROM note ORDER BY seq;
INSERT INTO item (id, issuer, user_id, text, done, created_at)
    SELECT id, issuer, user_id, text, done, created_at FROM task ORDER BY seq;

DROP TABLE note;
DROP TABLE task;
