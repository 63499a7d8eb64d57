-- What a rehearsal learned is kept apart by a mark of its own: its run may be deleted before the lesson is.
ALTER TABLE knowledge_heuristics ADD COLUMN rehearsal boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN knowledge_heuristics.rehearsal IS 'no real model said it: only rehearsals may use it';
