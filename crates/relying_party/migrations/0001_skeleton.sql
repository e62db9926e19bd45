-- Times are milliseconds since 1970. Secrets are stored as their SHA-256, or sealed under a cookie
-- that only the browser has.

CREATE TABLE started (
    seq INTEGER PRIMARY KEY, -- in the order of starting
    state BLOB NOT NULL UNIQUE,
    browser BLOB NOT NULL, -- the pre-session
    verifier BLOB NOT NULL, -- sealed under the pre-session's cookie
    target TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    taken_until INTEGER -- the browser is back; until then a session may begin from it
) STRICT;
CREATE INDEX started_browser ON started (browser);
CREATE INDEX started_expires_at ON started (expires_at);

CREATE TABLE session (
    id TEXT PRIMARY KEY, -- the sid of sign-out
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    email_verified INTEGER NOT NULL,
    access_token BLOB NOT NULL, -- sealed under the session's cookie
    browser BLOB NOT NULL, -- the pre-session that it was born of
    spare BLOB, -- the access token once more, sealed under the pre-session's cookie
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_browser ON session (browser);
CREATE INDEX session_expires_at ON session (expires_at);

-- A session for another person than the one who is signed in, until that one decides.
CREATE TABLE waiting (
    current TEXT PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    email_verified INTEGER NOT NULL,
    access_token BLOB NOT NULL, -- sealed under the client's secret
    browser BLOB NOT NULL, -- the pre-session that it will be born of
    spare BLOB, -- none while it waits
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, -- of the session
    checked_at INTEGER NOT NULL,
    target TEXT NOT NULL,
    wait_until INTEGER NOT NULL
) STRICT;
CREATE INDEX waiting_wait_until ON waiting (wait_until);

CREATE TABLE note (
    seq INTEGER PRIMARY KEY, -- in the order of writing
    id TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX note_owner ON note (issuer, user_id);

CREATE TABLE task (
    seq INTEGER PRIMARY KEY, -- in the order of writing
    id TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    text TEXT NOT NULL,
    done INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX task_owner ON task (issuer, user_id);

CREATE TABLE browser_session (
    id BLOB PRIMARY KEY,
    data BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX browser_session_expires_at ON browser_session (expires_at);
