-- What the portal tells a person about themselves.

ALTER TABLE client ADD COLUMN icon TEXT NOT NULL DEFAULT 'grid';

-- When a person last signed in, and, with each sign-in, when that was as it began.
ALTER TABLE user ADD COLUMN signed_in_at INTEGER;
ALTER TABLE sign_in ADD COLUMN previous_at INTEGER;
UPDATE user SET signed_in_at = (SELECT max(auth_time) FROM sign_in WHERE user_id = user.id);

-- The last handoffs of each person, for themselves: which client, when, and what came of it. Nothing
-- in here opens anything, or was made from something that does.
CREATE TABLE recent_handoff (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- no id twice: a handoff may name one that is gone
    user_id TEXT NOT NULL REFERENCES user (id),
    client TEXT NOT NULL REFERENCES client (id),
    began_at INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('under_way', 'opened', 'refused', 'too_late',
                                             'used_twice', 'declined', 'not_assigned')),
    waits_until INTEGER NOT NULL, -- nobody will ask for it after this
    keep_until INTEGER NOT NULL
) STRICT;
CREATE INDEX recent_handoff_user_id ON recent_handoff (user_id);
CREATE INDEX recent_handoff_keep_until ON recent_handoff (keep_until);

ALTER TABLE handoff ADD COLUMN recent INTEGER; -- the row there that tells of it, if it is still kept
