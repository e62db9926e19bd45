-- Which flow a remembered handoff is, for whoever wants to look at what was recorded of it. The id
-- follows from the state's hash and leads to neither.

ALTER TABLE recent_handoff ADD COLUMN flow TEXT;
