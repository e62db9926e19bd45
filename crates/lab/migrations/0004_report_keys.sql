-- The keys by which clients report their own steps: one a client, by its SHA-256.
CREATE TABLE report_key (
    client TEXT PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE
) WITHOUT ROWID;
