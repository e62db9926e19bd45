-- What decides a flow's outcome instead of the outcome: sites report in any order, and what is heard of
-- later may have happened before. JSON, as `handoff::outcome::Course` has it.
ALTER TABLE flow ADD COLUMN course TEXT NOT NULL DEFAULT '{}';

-- When which of them was is not known any more: the outcome stays what it was.
UPDATE flow SET course = CASE
    WHEN outcome = 'opened' AND reason IS NULL THEN json_object('opened', last)
    WHEN outcome = 'opened' THEN
        json_object('opened', began, 'refused', json_array(json_array(last, reason)))
    WHEN outcome = 'refused' THEN
        json_object('refused', json_array(json_array(last, reason)))
    ELSE '{}' END;

ALTER TABLE flow DROP COLUMN outcome;
ALTER TABLE flow DROP COLUMN reason;
