-- Whether somebody who had signed in took part. What strangers send on purpose makes room first. What
-- was kept before this was asked counts as if.
ALTER TABLE flow ADD COLUMN person INTEGER NOT NULL DEFAULT 1;
