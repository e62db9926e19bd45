-- Times are milliseconds since 1970. Secrets are stored as their SHA-256.

CREATE TABLE user (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    email_verified INTEGER NOT NULL,
    password_hash TEXT NOT NULL,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE client (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    secret BLOB, -- none: a public client
    sdk_compat INTEGER NOT NULL CHECK (secret IS NULL OR NOT sdk_compat),
    origin TEXT NOT NULL,
    redirect_uris TEXT NOT NULL, -- a JSON list
    initiate_login_uri TEXT NOT NULL,
    handoff_seconds INTEGER NOT NULL,
    assigned_to TEXT NOT NULL -- JSON: everyone, or a list of users
) STRICT;

CREATE INDEX client_origin ON client (origin);

CREATE TABLE sign_in (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id),
    auth_time INTEGER NOT NULL,
    amr TEXT NOT NULL, -- a JSON list
    signed_in_for BLOB, -- the request that this sign-in was made for, until it is served
    expires_at INTEGER NOT NULL,
    idle_until INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    browser TEXT NOT NULL, -- in our own words, never as it called itself
    ended_at INTEGER
) STRICT;
CREATE INDEX sign_in_user_id ON sign_in (user_id);

CREATE TABLE launch (
    ticket BLOB PRIMARY KEY,
    sign_in TEXT NOT NULL REFERENCES sign_in (id) ON DELETE CASCADE,
    client TEXT NOT NULL REFERENCES client (id),
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX launch_sign_in ON launch (sign_in);
CREATE INDEX launch_expires_at ON launch (expires_at);

CREATE TABLE handoff (
    token BLOB PRIMARY KEY,
    client TEXT NOT NULL REFERENCES client (id),
    redirect_uri TEXT NOT NULL,
    state BLOB NOT NULL,
    challenge BLOB,
    sign_in TEXT NOT NULL REFERENCES sign_in (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES user (id),
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    session TEXT, -- what it gave; none after a use: burned
    keep_until INTEGER NOT NULL
) STRICT;
CREATE INDEX handoff_sign_in ON handoff (sign_in);
CREATE INDEX handoff_keep_until ON handoff (keep_until);

CREATE TABLE client_session (
    id TEXT PRIMARY KEY,
    access_token BLOB NOT NULL UNIQUE,
    client TEXT NOT NULL REFERENCES client (id),
    sign_in TEXT NOT NULL REFERENCES sign_in (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES user (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX client_session_sign_in ON client_session (sign_in);
CREATE INDEX client_session_expires_at ON client_session (expires_at);

CREATE TABLE browser_session (
    id BLOB PRIMARY KEY,
    data BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX browser_session_expires_at ON browser_session (expires_at);

-- Sign-ins that were tried, until the password was right or they are forgotten.
CREATE TABLE attempt (
    key BLOB PRIMARY KEY, -- SHA-256 of whose they are
    points INTEGER NOT NULL, -- one, or more when the password was wrong
    next_at INTEGER NOT NULL, -- no further one before
    forget_at INTEGER NOT NULL
) STRICT;
CREATE INDEX attempt_forget_at ON attempt (forget_at);

-- Browsers in which a person has signed in before.
CREATE TABLE known_browser (
    browser BLOB NOT NULL,
    user_id TEXT NOT NULL REFERENCES user (id),
    signed_in_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (browser, user_id)
) STRICT;
CREATE INDEX known_browser_user_id ON known_browser (user_id);
CREATE INDEX known_browser_expires_at ON known_browser (expires_at);
