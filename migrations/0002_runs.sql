-- What a run is, what it paid for, and what it must read back when it resumes.
CREATE TABLE runs (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    run_id text NOT NULL CHECK (run_id <> ''),
    user_id uuid NOT NULL,
    workflow text NOT NULL,
    domain text NOT NULL DEFAULT 'general',
    spec_digest text NOT NULL,
    spec jsonb NOT NULL,
    inputs jsonb NOT NULL,
    inputs_digest text NOT NULL,
    status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'degraded', 'waiting',
        'expired', 'rejected', 'blocked', 'over_budget', 'failed')),
    result jsonb,
    error text,
    rehearsal boolean NOT NULL DEFAULT false,
    max_cost_usd numeric(14, 8) CHECK (max_cost_usd >= 0),
    conversation_id uuid,
    session_id uuid,
    parent_run_id text,
    started_at timestamptz NOT NULL DEFAULT now(),
    alive_at timestamptz NOT NULL DEFAULT now(),
    concluded_at timestamptz,
    PRIMARY KEY (tenant_id, run_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, parent_run_id) REFERENCES runs (tenant_id, run_id)
) WITH (fillfactor = 70);
CREATE INDEX runs_started ON runs (tenant_id, started_at DESC);
CREATE INDEX runs_user ON runs (tenant_id, user_id);
CREATE INDEX runs_parent ON runs (tenant_id, parent_run_id) WHERE parent_run_id IS NOT NULL;
COMMENT ON COLUMN runs.alive_at IS 'the last sign of life: the reservations of a silent run fall free';

-- The ledger.
CREATE TABLE model_calls (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    run_id text NOT NULL,
    path text NOT NULL,
    member integer NOT NULL CHECK (member >= 0),
    try integer NOT NULL CHECK (try >= 0),
    digest text NOT NULL,
    state text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'settled', 'failed', 'lost')),
    model_requested text NOT NULL,
    model_used text,
    request jsonb,
    response jsonb,
    error text,
    prompt_tokens integer CHECK (prompt_tokens >= 0),
    completion_tokens integer CHECK (completion_tokens >= 0),
    cost_usd numeric(14, 8) CHECK (cost_usd >= 0),
    charged_usd numeric(14, 8) CHECK (charged_usd >= 0),
    estimate_usd numeric(14, 8) NOT NULL CHECK (estimate_usd >= 0),
    hour_key text NOT NULL,
    day_key text NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    latency_ms integer CHECK (latency_ms >= 0),
    reserved_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    PRIMARY KEY (tenant_id, run_id, path, member, try, digest),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE,
    CHECK (state <> 'settled' OR (response IS NOT NULL AND charged_usd IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX model_calls_reserved ON model_calls (tenant_id, run_id) WHERE state = 'reserved';
COMMENT ON COLUMN model_calls.request IS 'kept only where retention says so';
COMMENT ON COLUMN model_calls.cost_usd IS 'null: the cost map does not know the model';
COMMENT ON COLUMN model_calls.charged_usd IS 'what the budget was charged: the cost, or the price ceiling';
COMMENT ON COLUMN model_calls.estimate_usd IS 'what was reserved in the windows of run_id, hour_key and day_key';

-- The Governor's windows. charged may pass a cap that was lowered later, so the cap is no constraint here.
CREATE TABLE budgets (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    kind text NOT NULL CHECK (kind IN ('run', 'hour', 'day')),
    window_key text NOT NULL,
    cap_usd numeric(14, 8) NOT NULL CHECK (cap_usd >= 0),
    settled_usd numeric(14, 8) NOT NULL DEFAULT 0 CHECK (settled_usd >= 0),
    reserved_usd numeric(14, 8) NOT NULL DEFAULT 0 CHECK (reserved_usd >= 0),
    alerted boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, kind, window_key)
) WITH (fillfactor = 50);

CREATE TABLE step_records (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    run_id text NOT NULL,
    path text NOT NULL,
    kind text NOT NULL,
    output jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, run_id, path, kind),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE
);
COMMENT ON TABLE step_records IS 'what may change between tries and is read back on resume';

CREATE VIEW run_costs WITH (security_invoker = true) AS
SELECT r.tenant_id, r.user_id, r.run_id, r.workflow, r.status, r.rehearsal, r.started_at,
    count(c.run_id) FILTER (WHERE c.state = 'settled') AS calls,
    coalesce(sum(c.prompt_tokens), 0) AS prompt_tokens,
    coalesce(sum(c.completion_tokens), 0) AS completion_tokens,
    coalesce(sum(c.cost_usd), 0) AS cost_usd,
    coalesce(sum(c.charged_usd), 0) AS charged_usd,
    count(c.run_id) FILTER (WHERE c.state = 'settled' AND c.cost_usd IS NULL) AS calls_of_unknown_cost
FROM runs r LEFT JOIN model_calls c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id
GROUP BY r.tenant_id, r.run_id;
GRANT SELECT ON run_costs TO radiant_app, radiant_maintenance;

ALTER TABLE runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE runs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON runs TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON runs TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON runs TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON runs TO radiant_maintenance;

ALTER TABLE model_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_calls FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON model_calls TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON model_calls TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON model_calls TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON model_calls TO radiant_maintenance;

ALTER TABLE budgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE budgets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON budgets TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON budgets TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON budgets TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON budgets TO radiant_maintenance;

ALTER TABLE step_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE step_records FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON step_records TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON step_records TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON step_records TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON step_records TO radiant_maintenance;
