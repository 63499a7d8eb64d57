-- What a webhook is told of reviews: an outbox, written in the transaction that changes the review and posted after.
CREATE TABLE notifications (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    run_id text NOT NULL,
    path text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('review.opened', 'review.decided', 'review.expired')),
    payload jsonb NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    failed_at timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE,
    CHECK (delivered_at IS NULL OR failed_at IS NULL)
);
COMMENT ON COLUMN notifications.payload IS 'the body that is posted: sanitised, without the content under review';
COMMENT ON COLUMN notifications.failed_at IS 'given up: kept, and not tried again';
CREATE INDEX notifications_due ON notifications (next_attempt_at) WHERE delivered_at IS NULL AND failed_at IS NULL;
CREATE INDEX notifications_run ON notifications (tenant_id, run_id);

ALTER TABLE notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON notifications TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON notifications TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON notifications TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON notifications TO radiant_maintenance;
