-- What upkeep needs to know of a review, and to find what it is to do without reading every tenant's history.
ALTER TABLE reviews ADD COLUMN on_expiry text;
COMMENT ON COLUMN reviews.on_expiry IS 'the choice that holds where nobody decides in time; NULL: the run expires';
CREATE INDEX reviews_overdue ON reviews (expires_at) WHERE status = 'open';
-- Its predicate and its columns leave alive_at out, so that a sign of life is still a heap-only update.
CREATE INDEX runs_unfinished ON runs (tenant_id, run_id) WHERE status IN ('running', 'waiting');
