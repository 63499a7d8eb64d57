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
