-- The five functions, row security on every table, and what the application's role may do.
--
-- Two session variables say who is asking: app.current_user_id and app.current_org_id. Without either,
-- no row of any table is visible.
--
-- The functions that read users or authorizations are SECURITY DEFINER: they run as the owner of the tables,
-- whom row security does not bind (no FORCE here: under it they would ask the very policy that asks them).
-- They name every schema, their search_path is fixed, and EXECUTE is granted by name.

-- ---------------------------------------------------------------------------------------------------------
-- Who is asking
-- ---------------------------------------------------------------------------------------------------------

-- NULL when the variable is unset, '' (what a pooled connection answers once a local value has ended) or no
-- uuid. The pattern is exactly what uuid's input accepts; a caught exception would cost a subtransaction, which
-- a parallel worker may not open.
CREATE FUNCTION app.current_user_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE
        WHEN current_setting('app.current_user_id', true)
             ~* '^([0-9a-f]{4}(-?[0-9a-f]{4}){7}|\{[0-9a-f]{4}(-?[0-9a-f]{4}){7}\})$'
        THEN current_setting('app.current_user_id', true)::uuid
    END;

-- The organization set by the caller, else the current user's. A value that is set but is no uuid answers NULL,
-- which shows nothing: a mistake must not silently become another organization.
CREATE FUNCTION app.current_organization_id() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_setting text := nullif(current_setting('app.current_org_id', true), '');
BEGIN
    IF v_setting IS NULL THEN
        RETURN (SELECT u.organization_id FROM public.users u WHERE u.id = app.current_user_id());
    ELSIF v_setting ~* '^([0-9a-f]{4}(-?[0-9a-f]{4}){7}|\{[0-9a-f]{4}(-?[0-9a-f]{4}){7}\})$' THEN
        RETURN v_setting::uuid;
    END IF;
    RETURN NULL;
END
$$;

-- Both answer false, never NULL, when there is no current user.
CREATE FUNCTION app.is_super_admin() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.users u WHERE u.id = app.current_user_id() AND u.role = 'SUPER_ADMIN');
END
$$;

CREATE FUNCTION app.has_role(p_role text) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.users u WHERE u.id = app.current_user_id() AND u.role = p_role);
END
$$;

-- ---------------------------------------------------------------------------------------------------------
-- Units
-- ---------------------------------------------------------------------------------------------------------

-- Reserves units of an authorization for a service today (CURRENT_DATE, in the session's time zone).
-- Answers, and never raises for a refusal:
--   {"success": true, "units_reserved", "remaining_units", "authorization_id"}
--   {"success": false, "error", "message", ...} with error
--     UNAUTHORIZED        no organization is set
--     INVALID_UNITS       fewer than one unit asked for
--     AUTH_NOT_FOUND      no such authorization in this organization
--     AUTH_CANCELLED, AUTH_EXPIRED (+ expired_date), AUTH_NOT_STARTED, AUTH_EXHAUSTED
--     INSUFFICIENT_UNITS  (+ available, requested)
-- It passes row security by as definer, so it compares the organization itself: another organization's
-- authorization is neither locked nor told from one that does not exist.
CREATE FUNCTION app.reserve_session_units(p_authorization_id uuid, p_expected_units integer) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_organization_id uuid := app.current_organization_id();
    v_auth            record;
    v_remaining       integer;
BEGIN
    IF v_organization_id IS NULL THEN
        RETURN jsonb_build_object('success', false, 'error', 'UNAUTHORIZED',
                                  'message', 'No organization is set for this request.');
    END IF;

    -- Before the look-up, so that the answer says nothing about the authorization.
    IF p_expected_units IS NULL OR p_expected_units <= 0 THEN
        RETURN jsonb_build_object('success', false, 'error', 'INVALID_UNITS',
                                  'message', 'The number of units must be at least 1.');
    END IF;

    -- Whoever comes second waits here and then sees what the first has left.
    SELECT a.total_units - coalesce(a.used_units, 0) AS remaining, a.start_date, a.end_date, a.status
      INTO v_auth
      FROM public.authorizations a
      JOIN public.patients p ON p.id = a.patient_id
     WHERE a.id = p_authorization_id
       AND p.organization_id = v_organization_id
       FOR UPDATE OF a;

    IF NOT FOUND THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_NOT_FOUND',
                                  'message', 'The authorization was not found.');
    END IF;
    IF v_auth.status = 'CANCELLED' THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_CANCELLED',
                                  'message', 'The authorization has been cancelled.');
    END IF;
    IF v_auth.status = 'EXPIRED' OR v_auth.end_date < CURRENT_DATE THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_EXPIRED',
                                  'message', 'The authorization has expired.',
                                  'expired_date', v_auth.end_date);
    END IF;
    IF v_auth.start_date > CURRENT_DATE THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_NOT_STARTED',
                                  'message', 'The authorization has not started yet.');
    END IF;
    IF v_auth.status = 'EXHAUSTED' OR v_auth.remaining <= 0 THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_EXHAUSTED',
                                  'message', 'The authorization has no units left.');
    END IF;
    IF v_auth.remaining < p_expected_units THEN
        RETURN jsonb_build_object('success', false, 'error', 'INSUFFICIENT_UNITS',
                                  'message', 'The authorization has fewer units left than requested.',
                                  'available', v_auth.remaining, 'requested', p_expected_units);
    END IF;

    v_remaining := v_auth.remaining - p_expected_units;
    UPDATE public.authorizations a
       SET used_units = coalesce(a.used_units, 0) + p_expected_units,
           status     = CASE WHEN v_remaining = 0 THEN 'EXHAUSTED' ELSE a.status END,
           updated_at = now()
     WHERE a.id = p_authorization_id;

    RETURN jsonb_build_object('success', true,
                              'units_reserved', p_expected_units,
                              'remaining_units', v_remaining,
                              'authorization_id', p_authorization_id);
END
$$;

-- A new function may be called by PUBLIC until that is taken back.
REVOKE ALL ON FUNCTION
    app.current_user_id(), app.current_organization_id(), app.is_super_admin(), app.has_role(text),
    app.reserve_session_units(uuid, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    app.current_user_id(), app.current_organization_id(), app.is_super_admin(), app.has_role(text),
    app.reserve_session_units(uuid, integer)
    TO omnirapeutic_app;

-- ---------------------------------------------------------------------------------------------------------
-- Row security: one organization sees and writes its own rows
-- ---------------------------------------------------------------------------------------------------------

ALTER TABLE organizations     ENABLE ROW LEVEL SECURITY;
ALTER TABLE users             ENABLE ROW LEVEL SECURITY;
ALTER TABLE staff_members     ENABLE ROW LEVEL SECURITY;
ALTER TABLE patients          ENABLE ROW LEVEL SECURITY;
ALTER TABLE patient_insurance ENABLE ROW LEVEL SECURITY;
ALTER TABLE authorizations    ENABLE ROW LEVEL SECURITY;
ALTER TABLE appointments      ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions          ENABLE ROW LEVEL SECURITY;
ALTER TABLE session_events    ENABLE ROW LEVEL SECURITY;
ALTER TABLE claims            ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_logs        ENABLE ROW LEVEL SECURITY;

-- (SELECT f()) is evaluated once for a statement; a bare f() would be called for every row.
CREATE POLICY org_isolation ON organizations FOR ALL
    USING      (id = (SELECT app.current_organization_id()))
    WITH CHECK (id = (SELECT app.current_organization_id()));

CREATE POLICY org_isolation ON users FOR ALL
    USING      (organization_id = (SELECT app.current_organization_id()))
    WITH CHECK (organization_id = (SELECT app.current_organization_id()));

CREATE POLICY org_isolation ON staff_members FOR ALL
    USING      (organization_id = (SELECT app.current_organization_id()))
    WITH CHECK (organization_id = (SELECT app.current_organization_id()));

CREATE POLICY org_isolation ON patients FOR ALL
    USING      (organization_id = (SELECT app.current_organization_id()))
    WITH CHECK (organization_id = (SELECT app.current_organization_id()));

CREATE POLICY org_isolation ON appointments FOR ALL
    USING      (organization_id = (SELECT app.current_organization_id()))
    WITH CHECK (organization_id = (SELECT app.current_organization_id()));

-- The tables below do not carry the organization yet; it is their parent's.
CREATE POLICY org_isolation ON patient_insurance FOR ALL
    USING      (patient_id IN (SELECT p.id FROM patients p
                               WHERE p.organization_id = (SELECT app.current_organization_id())))
    WITH CHECK (patient_id IN (SELECT p.id FROM patients p
                               WHERE p.organization_id = (SELECT app.current_organization_id())));

CREATE POLICY org_isolation ON authorizations FOR ALL
    USING      (patient_id IN (SELECT p.id FROM patients p
                               WHERE p.organization_id = (SELECT app.current_organization_id())))
    WITH CHECK (patient_id IN (SELECT p.id FROM patients p
                               WHERE p.organization_id = (SELECT app.current_organization_id())));

CREATE POLICY org_isolation ON sessions FOR ALL
    USING      (patient_id IN (SELECT p.id FROM patients p
                               WHERE p.organization_id = (SELECT app.current_organization_id())))
    WITH CHECK (patient_id IN (SELECT p.id FROM patients p
                               WHERE p.organization_id = (SELECT app.current_organization_id())));

CREATE POLICY org_isolation ON session_events FOR ALL
    USING      (session_id IN (SELECT s.id FROM sessions s JOIN patients p ON p.id = s.patient_id
                               WHERE p.organization_id = (SELECT app.current_organization_id())))
    WITH CHECK (session_id IN (SELECT s.id FROM sessions s JOIN patients p ON p.id = s.patient_id
                               WHERE p.organization_id = (SELECT app.current_organization_id())));

-- Both parents may be empty. A claim belongs to an organization when it has at least one parent and every
-- parent it has is that organization's; one with no parent is nobody's.
CREATE POLICY org_isolation ON claims FOR ALL
    USING (
        num_nonnulls(session_id, authorization_id) > 0
        AND (session_id IS NULL
             OR session_id IN (SELECT s.id FROM sessions s JOIN patients p ON p.id = s.patient_id
                               WHERE p.organization_id = (SELECT app.current_organization_id())))
        AND (authorization_id IS NULL
             OR authorization_id IN (SELECT a.id FROM authorizations a JOIN patients p ON p.id = a.patient_id
                                     WHERE p.organization_id = (SELECT app.current_organization_id()))))
    WITH CHECK (
        num_nonnulls(session_id, authorization_id) > 0
        AND (session_id IS NULL
             OR session_id IN (SELECT s.id FROM sessions s JOIN patients p ON p.id = s.patient_id
                               WHERE p.organization_id = (SELECT app.current_organization_id())))
        AND (authorization_id IS NULL
             OR authorization_id IN (SELECT a.id FROM authorizations a JOIN patients p ON p.id = a.patient_id
                                     WHERE p.organization_id = (SELECT app.current_organization_id()))));

-- The audit trail is read and written, never changed. The grants below say so too: either alone would do.
CREATE POLICY audit_logs_select ON audit_logs FOR SELECT
    USING (organization_id = (SELECT app.current_organization_id()));
CREATE POLICY audit_logs_insert ON audit_logs FOR INSERT
    WITH CHECK (organization_id = (SELECT app.current_organization_id()));
CREATE POLICY audit_logs_update ON audit_logs FOR UPDATE
    USING (false) WITH CHECK (false);
CREATE POLICY audit_logs_delete ON audit_logs FOR DELETE
    USING (false);

-- ---------------------------------------------------------------------------------------------------------
-- Grants
-- ---------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, UPDATE, DELETE ON
    organizations, users, staff_members, patients, patient_insurance, authorizations, appointments, sessions, claims
    TO omnirapeutic_app;

-- Append-only.
GRANT SELECT, INSERT ON session_events, audit_logs TO omnirapeutic_app;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 011';
