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
    spec json NOT NULL,
    inputs json NOT NULL,
    inputs_digest text NOT NULL,
    status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'degraded', 'waiting',
        'expired', 'rejected', 'blocked', 'over_budget', 'failed')),
    result json,
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
-- Its predicate and its columns leave alive_at out, so that a sign of life is still a heap-only update.
CREATE INDEX runs_unfinished ON runs (tenant_id, run_id) WHERE status IN ('running', 'waiting');
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
    request json,
    response json,
    error text,
    prompt_tokens integer CHECK (prompt_tokens >= 0),
    completion_tokens integer CHECK (completion_tokens >= 0),
    cost_usd numeric(14, 8) CHECK (cost_usd >= 0),
    charged_usd numeric(14, 8) CHECK (charged_usd >= 0),
    estimate_usd numeric(14, 8) NOT NULL CHECK (estimate_usd >= 0),
    hour_key text NOT NULL,
    day_key text NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    lost integer NOT NULL DEFAULT 0 CHECK (lost >= 0),
    latency_ms integer CHECK (latency_ms >= 0),
    reserved_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    PRIMARY KEY (tenant_id, run_id, path, member, try, digest),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE,
    CONSTRAINT model_calls_charged CHECK (state <> 'settled' OR charged_usd IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX model_calls_reserved ON model_calls (tenant_id, run_id) WHERE state = 'reserved';
COMMENT ON COLUMN model_calls.request IS 'kept only where retention says so';
COMMENT ON COLUMN model_calls.response IS 'null in a settled call: its concluded run was compacted';
COMMENT ON COLUMN model_calls.lost IS 'how often its process died between call and settle: may have been paid';
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
    output json NOT NULL,
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
    asks text NOT NULL DEFAULT 'reviewer' CHECK (asks IN ('user', 'reviewer')),
    on_expiry text,
    PRIMARY KEY (tenant_id, run_id, path),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, run_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, resolved_by) REFERENCES users (tenant_id, id),
    CHECK ((status = 'open') = (resolved_at IS NULL)),
    CHECK (status <> 'decided' OR resolved_by IS NOT NULL)
);
CREATE INDEX reviews_open ON reviews (tenant_id, opened_at) WHERE status = 'open';
CREATE INDEX reviews_overdue ON reviews (expires_at) WHERE status = 'open';
COMMENT ON COLUMN reviews.shown IS 'sanitised: what the reviewer sees';
COMMENT ON COLUMN reviews.placeholders IS 'placeholder -> original, restored on return';
COMMENT ON COLUMN reviews.on_expiry IS 'the choice that holds where nobody decides in time; NULL: the run expires';

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
CREATE INDEX neural_learning_signals_type ON neural_learning_signals (tenant_id, signal_type, created_at);

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

-- The Grimoire (seed 002). No index on search (@@ is not leakproof, so under row level security it filters only after
-- the policy has), and no vector index yet: below about 50,000 valid rows a tenant an exact distance over the
-- tenant's rows (tenant-leading btree) has full recall in few milliseconds, and an HNSW index filters by tenant
-- only after its search, so that a small tenant beside a large one would find nothing.
CREATE TABLE knowledge_heuristics (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    domain text NOT NULL DEFAULT 'general',
    trigger_pattern text NOT NULL CHECK (trigger_pattern <> ''),
    action_template text NOT NULL CHECK (action_template <> ''),
    embedding vector(768) STORAGE PLAIN NOT NULL,
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
    rehearsal boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, source_run_id) REFERENCES runs (tenant_id, run_id)
        ON DELETE SET NULL (source_run_id),
    FOREIGN KEY (tenant_id, superseded_by) REFERENCES knowledge_heuristics (tenant_id, id)
        ON DELETE SET NULL (superseded_by),
    CHECK (superseded_by IS NULL OR valid_to IS NOT NULL),
    -- The distance to a zero vector is NaN, which passes every threshold.
    CONSTRAINT embedding_not_zero CHECK (vector_norm(embedding) > 0)
);
COMMENT ON COLUMN knowledge_heuristics.rehearsal IS 'no real model said it: only rehearsals may use it';
CREATE INDEX knowledge_heuristics_valid ON knowledge_heuristics (tenant_id, domain) WHERE valid_to IS NULL;
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

-- Memories: what runs were told to remember, of any kind, of a tenant, one of its users, or one session.
-- No vector index, for the reasons in 0004_grimoire.sql. Superseded or ended by valid_to, never overwritten.
CREATE TABLE memories (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind <> ''),
    user_id uuid,
    session_id uuid,
    content text NOT NULL CHECK (content <> ''),
    fields jsonb NOT NULL DEFAULT '{}',
    embedding vector(768) STORAGE PLAIN NOT NULL,
    embedding_model text NOT NULL,
    embedding_version text NOT NULL,
    rehearsal boolean NOT NULL DEFAULT false,
    source_run_id text,
    source_reply text,
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_to timestamptz,
    superseded_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    search tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english', content)) STORED,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, source_run_id) REFERENCES runs (tenant_id, run_id)
        ON DELETE SET NULL (source_run_id),
    FOREIGN KEY (tenant_id, superseded_by) REFERENCES memories (tenant_id, id)
        ON DELETE SET NULL (superseded_by),
    CHECK (superseded_by IS NULL OR valid_to IS NOT NULL),
    -- The distance to a zero vector is NaN, which passes every threshold.
    CONSTRAINT memories_embedding_not_zero CHECK (vector_norm(embedding) > 0)
);
COMMENT ON COLUMN memories.user_id IS 'whose it is; NULL: every user''s of the tenant';
COMMENT ON COLUMN memories.rehearsal IS 'no real model said it: only rehearsals may use it';
CREATE INDEX memories_valid ON memories (tenant_id, kind, user_id) WHERE valid_to IS NULL;
CREATE INDEX memories_source ON memories (tenant_id, source_run_id);
CREATE INDEX memories_user ON memories (tenant_id, user_id);
CREATE INDEX memories_superseded ON memories (tenant_id, superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX memories_session ON memories (tenant_id, session_id, kind, valid_from) WHERE session_id IS NOT NULL;

ALTER TABLE memories ENABLE ROW LEVEL SECURITY;
ALTER TABLE memories FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON memories TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON memories TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON memories TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON memories TO radiant_maintenance;

-- The registry of orchestration patterns (seed 000). The patterns are shared by all tenants and follow from the code:
-- a sync derives their rows from the catalogue and the pattern files. A tenant says which of them it uses.
CREATE TABLE catalogue_syncs (
    catalogue text PRIMARY KEY,
    digest text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN catalogue_syncs.digest IS 'of the code and the data that the rows of this catalogue were derived from';

CREATE TABLE orchestration_pattern_categories (
    category_id text PRIMARY KEY CHECK (category_id <> ''),
    name text NOT NULL,
    description text NOT NULL,
    display_order integer NOT NULL,
    pattern_count integer NOT NULL CHECK (pattern_count >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orchestration_patterns (
    pattern_id text PRIMARY KEY CHECK (pattern_id <> ''),
    category_id text NOT NULL REFERENCES orchestration_pattern_categories (category_id),
    name text NOT NULL,
    description text NOT NULL,
    research_basis text NOT NULL,
    complexity text NOT NULL CHECK (complexity IN ('low', 'medium', 'high', 'very_high')),
    impact text NOT NULL CHECK (impact IN ('low', 'medium', 'high', 'transformative')),
    implemented_by text[] NOT NULL DEFAULT '{}',
    implementation_status text NOT NULL DEFAULT 'planned'
        CHECK (implementation_status IN ('planned', 'implemented', 'broken', 'retired')),
    fault text,
    execution_type text NOT NULL CHECK (execution_type IN ('serial', 'parallel', 'hybrid')),
    parallelizable boolean NOT NULL,
    typical_model_count integer NOT NULL CHECK (typical_model_count >= 0),
    most_calls bigint CHECK (most_calls >= 0),
    most_tokens bigint CHECK (most_tokens >= 0),
    depth bigint CHECK (depth >= 0),
    pattern_definition jsonb,
    trigger_keywords text[] NOT NULL DEFAULT '{}',
    required_capabilities text[] NOT NULL DEFAULT '{}',
    described text NOT NULL CHECK (described <> ''),
    semantic_embedding vector(768),
    embedding_model text,
    embedding_version text,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english', described)) STORED,
    CHECK ((implementation_status = 'implemented') = (pattern_definition IS NOT NULL)),
    CHECK ((implementation_status = 'broken') = (fault IS NOT NULL)),
    CHECK (num_nulls(semantic_embedding, embedding_model, embedding_version) IN (0, 3)),
    -- The distance to a zero vector is NaN, which passes every threshold.
    CONSTRAINT patterns_embedding_not_zero CHECK (vector_norm(semantic_embedding) > 0)
);
COMMENT ON COLUMN orchestration_patterns.implemented_by IS 'other products that have it';
COMMENT ON COLUMN orchestration_patterns.implementation_status IS
    'broken: its file does not build; retired: the catalogue no longer names it';
COMMENT ON COLUMN orchestration_patterns.depth IS 'calls that wait for one another, at most';
COMMENT ON COLUMN orchestration_patterns.required_capabilities IS 'tools by name, and person where it asks one';
COMMENT ON COLUMN orchestration_patterns.described IS 'name, description and keywords: what is embedded and searched';
COMMENT ON COLUMN orchestration_patterns.enabled IS 'for tenants that say nothing of it; no sync changes it';
ALTER TABLE orchestration_patterns ALTER COLUMN semantic_embedding SET STORAGE PLAIN;
CREATE INDEX orchestration_patterns_category ON orchestration_patterns (category_id);

CREATE TABLE pattern_switches (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    pattern_id text NOT NULL REFERENCES orchestration_patterns (pattern_id),
    enabled boolean NOT NULL,
    changed_by uuid NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, pattern_id),
    FOREIGN KEY (tenant_id, changed_by) REFERENCES users (tenant_id, id)
);
CREATE INDEX pattern_switches_pattern ON pattern_switches (pattern_id);
CREATE INDEX pattern_switches_user ON pattern_switches (tenant_id, changed_by);
COMMENT ON TABLE pattern_switches IS 'what a tenant says of a pattern, in the stead of its own `enabled`';

-- How the tenant's runs of each pattern went. Rehearsals count apart: nothing but their number says anything.
CREATE VIEW pattern_performance WITH (security_invoker = true) AS
SELECT r.tenant_id, coalesce(m.orchestration_id, r.inputs ->> 'pattern', r.workflow) AS pattern_id,
    count(*) FILTER (WHERE NOT r.rehearsal) AS usage_count,
    count(*) FILTER (WHERE r.rehearsal) AS rehearsal_count,
    avg((r.status IN ('done', 'degraded'))::integer)
        FILTER (WHERE NOT r.rehearsal AND r.status NOT IN ('running', 'waiting')) AS success_rate,
    avg(s.satisfaction) FILTER (WHERE NOT r.rehearsal) AS avg_satisfaction_score,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY m.total_latency_ms)
        FILTER (WHERE NOT r.rehearsal) AS typical_latency_ms,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY m.total_cost) FILTER (WHERE NOT r.rehearsal) AS typical_cost_usd
FROM runs r
LEFT JOIN execution_manifests m ON m.tenant_id = r.tenant_id AND m.run_id = r.run_id
LEFT JOIN LATERAL (
    SELECT avg(signal_value) AS satisfaction FROM neural_learning_signals n
    WHERE n.tenant_id = r.tenant_id AND n.run_id = r.run_id AND n.signal_type = 'human_decision'
        AND n.source = 'review'
) s ON true
GROUP BY 1, 2;

CREATE VIEW neural_orchestration_stats WITH (security_invoker = true) AS
SELECT
    (SELECT count(*) FROM orchestration_pattern_categories) AS total_categories,
    (SELECT count(*) FROM orchestration_patterns p LEFT JOIN pattern_switches s USING (pattern_id)
        WHERE p.implementation_status <> 'retired' AND coalesce(s.enabled, p.enabled)) AS total_patterns,
    (SELECT count(*) FROM orchestration_patterns
        WHERE implementation_status = 'implemented') AS implemented_patterns,
    (SELECT count(*) FROM runs) AS total_runs,
    (SELECT count(*) FROM neural_learning_signals WHERE created_at > now() - interval '24 hours') AS events_24h;
COMMENT ON VIEW neural_orchestration_stats IS 'of one tenant: the patterns that are enabled for it, and its runs';
GRANT SELECT ON pattern_performance TO radiant_app, radiant_maintenance;
GRANT SELECT ON neural_orchestration_stats TO radiant_app;

-- Shared rows: everybody reads them, only maintenance writes them.
ALTER TABLE catalogue_syncs ENABLE ROW LEVEL SECURITY;
ALTER TABLE catalogue_syncs FORCE ROW LEVEL SECURITY;
CREATE POLICY readers ON catalogue_syncs FOR SELECT TO radiant_app USING (true);
CREATE POLICY maintenance ON catalogue_syncs TO radiant_maintenance USING (true);
GRANT SELECT ON catalogue_syncs TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON catalogue_syncs TO radiant_maintenance;

ALTER TABLE orchestration_pattern_categories ENABLE ROW LEVEL SECURITY;
ALTER TABLE orchestration_pattern_categories FORCE ROW LEVEL SECURITY;
CREATE POLICY readers ON orchestration_pattern_categories FOR SELECT TO radiant_app USING (true);
CREATE POLICY maintenance ON orchestration_pattern_categories TO radiant_maintenance USING (true);
GRANT SELECT ON orchestration_pattern_categories TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON orchestration_pattern_categories TO radiant_maintenance;

ALTER TABLE orchestration_patterns ENABLE ROW LEVEL SECURITY;
ALTER TABLE orchestration_patterns FORCE ROW LEVEL SECURITY;
CREATE POLICY readers ON orchestration_patterns FOR SELECT TO radiant_app USING (true);
CREATE POLICY maintenance ON orchestration_patterns TO radiant_maintenance USING (true);
GRANT SELECT ON orchestration_patterns TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON orchestration_patterns TO radiant_maintenance;

ALTER TABLE pattern_switches ENABLE ROW LEVEL SECURITY;
ALTER TABLE pattern_switches FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON pattern_switches TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON pattern_switches TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON pattern_switches TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON pattern_switches TO radiant_maintenance;

-- Every function below takes its locks in this order, so that none waits in a circle:
-- the call, then budgets by kind (run, hour, day) and window, then the run.

CREATE FUNCTION reserve_window(of_tenant uuid, of_kind text, of_window text, cap numeric, amount numeric)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    fits boolean;
BEGIN
    FOR try IN 1..2 LOOP
        UPDATE budgets SET reserved_usd = reserved_usd + amount, cap_usd = cap, updated_at = now()
        WHERE tenant_id = of_tenant AND kind = of_kind AND window_key = of_window
            AND settled_usd + reserved_usd + amount <= cap;
        fits := FOUND;
        EXIT WHEN fits OR try = 2;
        INSERT INTO budgets (tenant_id, kind, window_key, cap_usd)
        VALUES (of_tenant, of_kind, of_window, cap) ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN fits;
END
$$;

CREATE FUNCTION release_window(of_tenant uuid, of_kind text, of_window text, amount numeric)
RETURNS void LANGUAGE sql AS $$
    UPDATE budgets SET reserved_usd = reserved_usd - amount, updated_at = now()
    WHERE tenant_id = of_tenant AND kind = of_kind AND window_key = of_window
$$;

-- Moves a reservation to what it cost. Says so (true) the first time that this passes the alert's share of the cap.
CREATE FUNCTION settle_window(
    of_tenant uuid, of_kind text, of_window text, amount numeric, charge numeric, alert numeric
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    budget budgets;
BEGIN
    UPDATE budgets SET reserved_usd = reserved_usd - amount, settled_usd = settled_usd + charge, updated_at = now()
    WHERE tenant_id = of_tenant AND kind = of_kind AND window_key = of_window
    RETURNING * INTO budget;
    IF budget.alerted IS NOT FALSE OR charge = 0 OR budget.settled_usd < alert * budget.cap_usd THEN
        RETURN false;
    END IF;
    UPDATE budgets SET alerted = true
    WHERE tenant_id = of_tenant AND kind = of_kind AND window_key = of_window;
    INSERT INTO audit_log (tenant_id, action, subject, detail)
    VALUES (of_tenant, 'budget_alert', of_kind || ' ' || of_window,
        jsonb_build_object('settled_usd', budget.settled_usd, 'cap_usd', budget.cap_usd));
    RETURN true;
END
$$;

-- The caps of a run: its own, else the tenant's, else the setting.
CREATE FUNCTION caps_of(
    of_tenant uuid, of_run text, run_default numeric, hour_default numeric, day_default numeric,
    OUT run_cap numeric, OUT hour_cap numeric, OUT day_cap numeric
) LANGUAGE sql STABLE AS $$
    SELECT coalesce(r.max_cost_usd, (t.policy ->> 'max_cost_per_run')::numeric, run_default),
        coalesce((t.policy ->> 'max_cost_per_hour')::numeric, hour_default),
        coalesce((t.policy ->> 'max_cost_per_day')::numeric, day_default)
    FROM tenants t LEFT JOIN runs r ON r.tenant_id = t.id AND r.run_id = of_run
    WHERE t.id = of_tenant
$$;

CREATE FUNCTION touch_run(of_tenant uuid, of_run text) RETURNS void LANGUAGE sql AS $$
    UPDATE runs SET alive_at = now()
    WHERE tenant_id = of_tenant AND run_id = of_run AND alive_at < now() - interval '5 seconds'
$$;

-- Finds a call, or reserves what it may cost. verdict: settled (`stored` is its response), reserved (by somebody
-- else: `attempt` is theirs), over (`over_kind` is the window that it does not fit), or begun.
CREATE FUNCTION begin_call(
    of_tenant uuid, of_run text, of_path text, of_member integer, of_try integer, of_digest text,
    of_model text, of_request json, amount numeric,
    run_default numeric, hour_default numeric, day_default numeric,
    OUT verdict text, OUT stored text, OUT attempt integer, OUT over_kind text
) LANGUAGE plpgsql AS $$
DECLARE
    found_call model_calls;
    hour_window text := to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24');
    day_window text := to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD');
    cap record;
BEGIN
    SELECT * INTO found_call FROM model_calls WHERE tenant_id = of_tenant AND run_id = of_run
        AND path = of_path AND member = of_member AND try = of_try AND digest = of_digest;
    IF found_call.state IN ('failed', 'lost') THEN
        SELECT * INTO found_call FROM model_calls WHERE tenant_id = of_tenant AND run_id = of_run
            AND path = of_path AND member = of_member AND try = of_try AND digest = of_digest FOR UPDATE;
    END IF;
    IF found_call.state IN ('settled', 'reserved') THEN
        verdict := found_call.state;
        stored := found_call.response;
        attempt := found_call.attempts;
        RETURN;
    END IF;

    SELECT * INTO cap FROM caps_of(of_tenant, of_run, run_default, hour_default, day_default);
    IF NOT reserve_window(of_tenant, 'run', of_run, cap.run_cap, amount) THEN
        over_kind := 'run';
    ELSIF NOT reserve_window(of_tenant, 'hour', hour_window, cap.hour_cap, amount) THEN
        over_kind := 'hour';
    ELSIF NOT reserve_window(of_tenant, 'day', day_window, cap.day_cap, amount) THEN
        over_kind := 'day';
    END IF;
    IF over_kind IS NULL THEN
        INSERT INTO model_calls AS c (tenant_id, run_id, path, member, try, digest, model_requested, request,
            estimate_usd, hour_key, day_key, attempts)
        VALUES (of_tenant, of_run, of_path, of_member, of_try, of_digest, of_model, of_request,
            amount, hour_window, day_window, 1)
        ON CONFLICT (tenant_id, run_id, path, member, try, digest) DO UPDATE
        SET state = 'reserved', error = NULL, estimate_usd = amount, hour_key = hour_window,
            day_key = day_window, attempts = c.attempts + 1, reserved_at = now()
        WHERE c.state IN ('failed', 'lost')
        RETURNING attempts INTO attempt;
        verdict := CASE WHEN attempt IS NULL THEN 'reserved' ELSE 'begun' END;
    ELSE
        verdict := 'over';
    END IF;

    IF verdict = 'begun' THEN
        PERFORM touch_run(of_tenant, of_run);
        RETURN;
    END IF;
    IF over_kind IS DISTINCT FROM 'run' THEN
        PERFORM release_window(of_tenant, 'run', of_run, amount);
        IF over_kind IS DISTINCT FROM 'hour' THEN
            PERFORM release_window(of_tenant, 'hour', hour_window, amount);
            IF over_kind IS NULL THEN
                PERFORM release_window(of_tenant, 'day', day_window, amount);
            END IF;
        END IF;
    END IF;
END
$$;

-- Writes a response down and charges what it cost. The first response of a call stands: `stored` is that one where
-- it is another's. What was paid beside it is charged all the same. `alerts`: the kinds that passed the alert.
CREATE FUNCTION settle_call(
    of_tenant uuid, of_run text, of_path text, of_member integer, of_try integer, of_digest text,
    of_attempt integer, of_response json, of_model text, of_prompt_tokens integer, of_completion_tokens integer,
    cost numeric, charge numeric, of_latency_ms integer, alert numeric,
    OUT stored text, OUT alerts text[]
) LANGUAGE plpgsql AS $$
DECLARE
    call model_calls;
    amount numeric;
BEGIN
    alerts := '{}';
    SELECT * INTO STRICT call FROM model_calls WHERE tenant_id = of_tenant AND run_id = of_run
        AND path = of_path AND member = of_member AND try = of_try AND digest = of_digest FOR UPDATE;
    IF call.state = 'settled' THEN
        stored := call.response;
        IF call.attempts = of_attempt THEN  -- our own commit, whose answer did not reach us
            RETURN;
        END IF;
    END IF;
    amount := CASE WHEN call.state = 'reserved' THEN call.estimate_usd ELSE 0 END;
    IF settle_window(of_tenant, 'run', of_run, amount, charge, alert) THEN
        alerts := alerts || 'run'::text;
    END IF;
    IF settle_window(of_tenant, 'hour', call.hour_key, amount, charge, alert) THEN
        alerts := alerts || 'hour'::text;
    END IF;
    IF settle_window(of_tenant, 'day', call.day_key, amount, charge, alert) THEN
        alerts := alerts || 'day'::text;
    END IF;
    IF call.state = 'settled' THEN
        UPDATE model_calls SET cost_usd = cost_usd + cost, charged_usd = charged_usd + charge
        WHERE tenant_id = of_tenant AND run_id = of_run
            AND path = of_path AND member = of_member AND try = of_try AND digest = of_digest;
    ELSE
        UPDATE model_calls SET state = 'settled', response = of_response, model_used = of_model, error = NULL,
            prompt_tokens = of_prompt_tokens, completion_tokens = of_completion_tokens, cost_usd = cost,
            charged_usd = charge, latency_ms = of_latency_ms, attempts = of_attempt, settled_at = now()
        WHERE tenant_id = of_tenant AND run_id = of_run
            AND path = of_path AND member = of_member AND try = of_try AND digest = of_digest;
    END IF;
    PERFORM touch_run(of_tenant, of_run);
END
$$;

-- Frees the reservation of a call that failed (of_state failed) or whose outcome is unknown (lost), if it is
-- still that attempt's.
CREATE FUNCTION release_call(
    of_tenant uuid, of_run text, of_path text, of_member integer, of_try integer, of_digest text,
    of_attempt integer, of_state text, of_error text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    call model_calls;
BEGIN
    UPDATE model_calls SET state = of_state, error = of_error, lost = lost + (of_state = 'lost')::integer
    WHERE tenant_id = of_tenant AND run_id = of_run AND path = of_path AND member = of_member AND try = of_try
        AND digest = of_digest AND state = 'reserved' AND attempts = of_attempt
    RETURNING * INTO call;
    IF FOUND THEN
        PERFORM release_window(of_tenant, 'run', of_run, call.estimate_usd);
        PERFORM release_window(of_tenant, 'hour', call.hour_key, call.estimate_usd);
        PERFORM release_window(of_tenant, 'day', call.day_key, call.estimate_usd);
    END IF;
END
$$;

-- Frees what runs reserved that gave no sign of life for `silence`: of every tenant whose rows the caller sees.
-- Gives how many calls were lost. Calls that somebody is working on are passed over, not waited for.
CREATE FUNCTION reclaim_reservations(silence interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    freed record;
    reclaimed integer := 0;
BEGIN
    FOR freed IN
        WITH dead AS (
            SELECT c.ctid FROM model_calls c JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
            WHERE c.state = 'reserved' AND greatest(c.reserved_at, r.alive_at) < now() - silence
            FOR UPDATE OF c SKIP LOCKED
        ), lost AS (
            UPDATE model_calls c SET state = 'lost', lost = lost + 1, error = 'its process went silent'
            FROM dead WHERE c.ctid = dead.ctid
            RETURNING c.tenant_id, c.run_id, c.hour_key, c.day_key, c.estimate_usd
        )
        SELECT l.tenant_id, w.rank, w.kind, w.window_key, sum(l.estimate_usd) AS amount, count(*) AS calls
        FROM lost l, LATERAL (VALUES (1, 'run', l.run_id), (2, 'hour', l.hour_key), (3, 'day', l.day_key))
            AS w (rank, kind, window_key)
        GROUP BY l.tenant_id, w.rank, w.kind, w.window_key
        ORDER BY l.tenant_id, w.rank, w.window_key
    LOOP
        PERFORM release_window(freed.tenant_id, freed.kind, freed.window_key, freed.amount);
        IF freed.kind = 'run' THEN
            reclaimed := reclaimed + freed.calls;
        END IF;
    END LOOP;
    RETURN reclaimed;
END
$$;
