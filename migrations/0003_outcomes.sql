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
