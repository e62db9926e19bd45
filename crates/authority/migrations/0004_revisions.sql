-- What tells a client that was read earlier from the one that is stored: every change of the row, by
-- whichever program, gives it another number.

ALTER TABLE client ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER client_is_new AFTER INSERT ON client BEGIN
    UPDATE client SET revision = random() WHERE id = new.id;
END;

CREATE TRIGGER client_has_changed AFTER UPDATE ON client WHEN new.revision = old.revision BEGIN
    UPDATE client SET revision = random() WHERE id = new.id;
END;
