-- A page shows a part of what a person keeps: what is to do first, then what is done, each the newest
-- first. The index has all that finds and counts them, so that no text is read for it.

DROP INDEX item_owner;
CREATE INDEX item_page ON item (issuer, user_id, undo_until, done, seq DESC);

ALTER TABLE item ADD COLUMN restored_at INTEGER; -- when it was last brought back
