-- The full schema: what all migrations applied to an empty database give (tests/utils/test_migrate.py).

-- Who uses the platform. The roles radiant_app and radiant_maintenance and the extension exist already.
CREATE TABLE schema_migrations (
    version text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON schema_migrations TO radiant_app, radiant_maintenance;

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    policy jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN tenants.policy IS 'Cato''s rules of this tenant, and its overrides of the Governor''s caps';

CREATE TABLE users (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL,
    email text,
    role text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'approver', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX users_email ON users (tenant_id, lower(email));

-- No foreign key to users: the audit outlives the people in it.
CREATE TABLE audit_log (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id bigint GENERATED ALWAYS AS IDENTITY,
    actor uuid,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_log_at ON audit_log (tenant_id, at);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenants TO radiant_app
    USING (id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON tenants TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON tenants TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants TO radiant_maintenance;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON users TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON users TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON users TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON users TO radiant_maintenance;

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_log TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON audit_log TO radiant_maintenance USING (true);
GRANT SELECT, INSERT ON audit_log TO radiant_app, radiant_maintenance;

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

-- What a run concluded: its manifest (seed 001), safety verdicts, reviews and learning signals (seed 000).
CREATE TABLE execution_manifests (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    output_id text NOT NULL,
    run_id text NOT NULL,
    user_id uuid NOT NULL,
    conversation_id uuid,
    session_id uuid,
    message_id uuid,
    request_type text NOT NULL DEFAULT 'orchestration'
        CHECK (request_type IN ('chat', 'completion', 'orchestration', 'service')),
    task_type text NOT NULL DEFAULT 'general',
    domain_mode text NOT NULL DEFAULT 'general',
    input_prompt_hash text,
    input_tokens integer,
    input_language text,
    models_used text[] NOT NULL,
    model_versions jsonb NOT NULL DEFAULT '{}',
    orchestration_id text,
    orchestration_name text,
    services_used text[] NOT NULL DEFAULT '{}',
    thermal_states_at_execution jsonb NOT NULL DEFAULT '{}',
    provider_health_at_execution jsonb NOT NULL DEFAULT '{}',
    brain_reasoning text,
    brain_confidence numeric(5, 4) CHECK (brain_confidence BETWEEN 0 AND 1),
    was_user_override boolean NOT NULL DEFAULT false,
    output_tokens integer,
    total_latency_ms integer,
    time_to_first_token_ms integer,
    total_cost numeric(14, 8),
    was_streamed boolean NOT NULL DEFAULT false,
    step_count integer NOT NULL DEFAULT 1,
    step_details jsonb NOT NULL DEFAULT '[]',
    status text NOT NULL CHECK (status IN ('done', 'degraded', 'waiting', 'expired', 'rejected', 'blocked',
        'over_budget', 'failed')),
    confidence numeric(5, 4) CHECK (confidence BETWEEN 0 AND 1),
    agreement numeric(5, 4) CHECK (agreement BETWEEN 0 AND 1),
    epistemic numeric(5, 4) CHECK (epistemic BETWEEN 0 AND 1),
    quality numeric(5, 4) CHECK (quality BETWEEN 0 AND 1),
    rehearsal boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, output_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX execution_manifests_run ON execution_manifests (tenant_id, run_id);
CREATE INDEX execution_manifests_user ON execution_manifests (tenant_id, user_id);
CREATE INDEX execution_manifests_created ON execution_manifests (tenant_id, created_at DESC);

CREATE TABLE cato_checks (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    run_id text NOT NULL,
    path text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('epistemic', 'ethical', 'policy', 'storage')),
    content_digest text NOT NULL,
    risk_level text NOT NULL CHECK (risk_level IN ('none', 'low', 'medium', 'high', 'critical', 'unknown')),
    verdict text NOT NULL CHECK (verdict IN ('pass', 'revise', 'escalate', 'block')),
    score numeric(5, 4) CHECK (score BETWEEN 0 AND 1),
    reasons jsonb NOT NULL DEFAULT '[]',
    rules jsonb NOT NULL DEFAULT '[]',
    judge_model text,
    error text,
    latency_ms integer NOT NULL CHECK (latency_ms >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, run_id, path, kind),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE,
    -- A check that went wrong did not pass.
    CHECK (verdict <> 'pass' OR (error IS NULL AND risk_level IN ('none', 'low')))
);

CREATE TABLE reviews (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    run_id text NOT NULL,
    path text NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'decided', 'expired')),
    reason text NOT NULL,
    domain text NOT NULL DEFAULT 'general',
    shown text NOT NULL,
    shown_deck text,
    choices jsonb NOT NULL DEFAULT '[]',
    form jsonb,
    placeholders jsonb NOT NULL DEFAULT '{}',
    decision text,
    guidance text,
    edited text,
    answer jsonb,
    opened_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    resolved_by uuid,
    resolved_at timestamptz,
    PRIMARY KEY (tenant_id, run_id, path),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, resolved_by) REFERENCES users (tenant_id, id),
    CHECK ((status = 'open') = (resolved_at IS NULL)),
    CHECK (status <> 'decided' OR resolved_by IS NOT NULL)
);
CREATE INDEX reviews_open ON reviews (tenant_id, opened_at) WHERE status = 'open';
COMMENT ON COLUMN reviews.shown IS 'sanitised: what the reviewer sees';
COMMENT ON COLUMN reviews.placeholders IS 'placeholder -> original, restored on return';

CREATE TABLE neural_learning_signals (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    signal_type text NOT NULL,
    user_id uuid,
    workflow_id text,
    run_id text NOT NULL,
    model_id text,
    node_id text,
    session_id uuid,
    signal_value numeric(5, 4) NOT NULL,
    confidence numeric(5, 4) NOT NULL DEFAULT 1 CHECK (confidence BETWEEN 0 AND 1),
    weight numeric(5, 4) NOT NULL DEFAULT 1 CHECK (weight >= 0),
    source text NOT NULL,
    processed boolean NOT NULL DEFAULT false,
    processed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX neural_learning_signals_run ON neural_learning_signals (tenant_id, run_id);
CREATE INDEX neural_learning_signals_new ON neural_learning_signals (tenant_id, created_at) WHERE NOT processed;

ALTER TABLE execution_manifests ENABLE ROW LEVEL SECURITY;
ALTER TABLE execution_manifests FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON execution_manifests TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON execution_manifests TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON execution_manifests TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_manifests TO radiant_maintenance;

ALTER TABLE cato_checks ENABLE ROW LEVEL SECURITY;
ALTER TABLE cato_checks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON cato_checks TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON cato_checks TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON cato_checks TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON cato_checks TO radiant_maintenance;

ALTER TABLE reviews ENABLE ROW LEVEL SECURITY;
ALTER TABLE reviews FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON reviews TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON reviews TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON reviews TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON reviews TO radiant_maintenance;

ALTER TABLE neural_learning_signals ENABLE ROW LEVEL SECURITY;
ALTER TABLE neural_learning_signals FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON neural_learning_signals TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON neural_learning_signals TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON neural_learning_signals TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON neural_learning_signals TO radiant_maintenance;

-- The Grimoire (seed 002). No vector index yet: below about 50,000 valid rows a tenant an exact distance over the
-- tenant's rows (tenant-leading btree) has full recall in few milliseconds, and an HNSW index filters by tenant
-- only after its search, so that a small tenant beside a large one would find nothing.
CREATE TABLE knowledge_heuristics (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    domain text NOT NULL DEFAULT 'general',
    trigger_pattern text NOT NULL CHECK (trigger_pattern <> ''),
    action_template text NOT NULL CHECK (action_template <> ''),
    embedding vector(768) NOT NULL,
    embedding_model text NOT NULL,
    embedding_version text NOT NULL,
    helpful integer NOT NULL DEFAULT 0 CHECK (helpful >= 0),
    harmful integer NOT NULL DEFAULT 0 CHECK (harmful >= 0),
    confidence numeric(5, 4) NOT NULL
        GENERATED ALWAYS AS ((helpful + 1)::numeric / (helpful + harmful + 2)) STORED,
    provisional boolean NOT NULL DEFAULT false,
    confirmations integer NOT NULL DEFAULT 0 CHECK (confirmations >= 0),
    source_run_id text,
    source_reply text,
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_to timestamptz,
    superseded_by uuid,
    expires_at timestamptz NOT NULL DEFAULT now() + interval '90 days',
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    search tsvector NOT NULL
        GENERATED ALWAYS AS (to_tsvector('english', trigger_pattern || ' ' || action_template)) STORED,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, source_run_id) REFERENCES runs (tenant_id, run_id)
        ON DELETE SET NULL (source_run_id),
    FOREIGN KEY (tenant_id, superseded_by) REFERENCES knowledge_heuristics (tenant_id, id)
        ON DELETE SET NULL (superseded_by),
    CHECK (superseded_by IS NULL OR valid_to IS NOT NULL),
    -- The distance to a zero vector is NaN, which passes every threshold.
    CONSTRAINT embedding_not_zero CHECK (vector_norm(embedding) > 0)
);
CREATE INDEX knowledge_heuristics_valid ON knowledge_heuristics (tenant_id, domain) WHERE valid_to IS NULL;
CREATE INDEX knowledge_heuristics_search ON knowledge_heuristics USING gin (search);
CREATE INDEX knowledge_heuristics_source ON knowledge_heuristics (tenant_id, source_run_id);
CREATE INDEX knowledge_heuristics_superseded ON knowledge_heuristics (tenant_id, superseded_by)
    WHERE superseded_by IS NOT NULL;

CREATE TABLE lesson_uses (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    run_id text NOT NULL,
    heuristic_id uuid NOT NULL,
    rank integer NOT NULL CHECK (rank >= 0),
    outcome text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, run_id, heuristic_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, heuristic_id) REFERENCES knowledge_heuristics (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX lesson_uses_heuristic ON lesson_uses (tenant_id, heuristic_id);

ALTER TABLE knowledge_heuristics ENABLE ROW LEVEL SECURITY;
ALTER TABLE knowledge_heuristics FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON knowledge_heuristics TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON knowledge_heuristics TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON knowledge_heuristics TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON knowledge_heuristics TO radiant_maintenance;

ALTER TABLE lesson_uses ENABLE ROW LEVEL SECURITY;
ALTER TABLE lesson_uses FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON lesson_uses TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON lesson_uses TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON lesson_uses TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON lesson_uses TO radiant_maintenance;
GRANT DELETE ON knowledge_heuristics TO radiant_app;
