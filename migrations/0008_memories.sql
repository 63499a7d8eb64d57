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
    embedding vector(768) NOT NULL,
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
ALTER TABLE memories ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX memories_valid ON memories (tenant_id, kind, user_id) WHERE valid_to IS NULL;
CREATE INDEX memories_source ON memories (tenant_id, source_run_id);
CREATE INDEX memories_user ON memories (tenant_id, user_id);
CREATE INDEX memories_superseded ON memories (tenant_id, superseded_by) WHERE superseded_by IS NOT NULL;

ALTER TABLE memories ENABLE ROW LEVEL SECURITY;
ALTER TABLE memories FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON memories TO radiant_app
    USING (tenant_id = (SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY maintenance ON memories TO radiant_maintenance USING (true);
GRANT SELECT, INSERT, UPDATE ON memories TO radiant_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON memories TO radiant_maintenance;
