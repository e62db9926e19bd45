-- A handoff that comes back too late is started again by itself, once. Its target is remembered for it.

ALTER TABLE started ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
-- The sweep finds what has come back by it, and reads no row of what has not.
CREATE INDEX started_taken_until ON started (taken_until) WHERE taken_until > 0;
