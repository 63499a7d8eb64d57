-- A session's memories are found however many sessions there are, and signals of one name without reading the others.
CREATE INDEX memories_session ON memories (tenant_id, session_id, kind, valid_from) WHERE session_id IS NOT NULL;
CREATE INDEX neural_learning_signals_type ON neural_learning_signals (tenant_id, signal_type, created_at);
