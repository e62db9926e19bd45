-- A handoff that comes back too late is started again by itself, once. Its target is remembered for it.

ALTER TABLE started ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
