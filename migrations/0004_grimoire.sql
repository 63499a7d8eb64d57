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
