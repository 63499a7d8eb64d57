-- The ledger and the Governor in one round trip each.
-- json, not jsonb, for what models and people wrote: it keeps their text, \u0000 too, which jsonb refuses.
ALTER TABLE runs ALTER COLUMN spec TYPE json, ALTER COLUMN inputs TYPE json, ALTER COLUMN result TYPE json;
ALTER TABLE step_records ALTER COLUMN output TYPE json;
ALTER TABLE model_calls ALTER COLUMN request TYPE json, ALTER COLUMN response TYPE json,
    ADD COLUMN lost integer NOT NULL DEFAULT 0 CHECK (lost >= 0),
    DROP CONSTRAINT model_calls_check,
    ADD CONSTRAINT model_calls_charged CHECK (state <> 'settled' OR charged_usd IS NOT NULL);
COMMENT ON COLUMN model_calls.response IS 'null in a settled call: its concluded run was compacted';
COMMENT ON COLUMN model_calls.lost IS 'how often its process died between call and settle: may have been paid';

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
