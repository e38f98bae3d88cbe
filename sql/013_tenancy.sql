-- The tenant wall: organization_id on every tenant table, one policy form, FORCE, and keys that cannot cross it.

GRANT omnirapeutic_definer TO CURRENT_USER;
GRANT CREATE ON SCHEMA app TO omnirapeutic_definer;

-- The organisation in context, for functions. The policies carry the same expression themselves: behind a function call
-- each table's policy is another unknown to the planner, which then cannot tell that all of them mean one organisation.
CREATE FUNCTION app.org_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.current_org_id', true), '')::uuid $$;

-- Walls one table: RLS enabled and forced (its owner is confined too), one policy in the one form.
CREATE PROCEDURE app.wall_tenant_table(p_table regclass, p_column name DEFAULT 'organization_id')
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
    EXECUTE format('DROP POLICY IF EXISTS org_isolation ON %s', p_table);
    EXECUTE format(
        'CREATE POLICY org_isolation ON %1$s FOR ALL '
        'USING (%2$I = coalesce(nullif(current_setting(''app.current_org_id'', true), '''')::uuid, '
        'app.current_organization_id())) '
        'WITH CHECK (%2$I = coalesce(nullif(current_setting(''app.current_org_id'', true), '''')::uuid, '
        'app.current_organization_id()))',
        p_table, p_column);
END
$$;

-- Fills organization_id from the first parent that is given, for writers that know only the original columns.
-- Arguments: pairs of parent table and referring column. Falls back to the organisation in context.
CREATE FUNCTION app.fill_organization() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    i integer := 0;
BEGIN
    WHILE NEW.organization_id IS NULL AND i < TG_NARGS LOOP
        EXECUTE format('SELECT organization_id FROM public.%I WHERE id = $1', TG_ARGV[i])
            INTO NEW.organization_id USING (to_jsonb(NEW) ->> TG_ARGV[i + 1])::uuid;
        i := i + 2;
    END LOOP;
    NEW.organization_id := coalesce(NEW.organization_id, app.current_organization_id());
    RETURN NEW;
END
$$;

-- organization_id where the original reached it through a parent ---------------------------------------------------

ALTER TABLE patient_insurance ADD COLUMN organization_id uuid REFERENCES organizations (id);
ALTER TABLE authorizations ADD COLUMN organization_id uuid REFERENCES organizations (id);
ALTER TABLE sessions ADD COLUMN organization_id uuid REFERENCES organizations (id);
ALTER TABLE session_events ADD COLUMN organization_id uuid REFERENCES organizations (id);
ALTER TABLE claims ADD COLUMN organization_id uuid REFERENCES organizations (id);

UPDATE patient_insurance c SET organization_id = p.organization_id FROM patients p WHERE p.id = c.patient_id;
UPDATE authorizations c SET organization_id = p.organization_id FROM patients p WHERE p.id = c.patient_id;
UPDATE sessions c SET organization_id = p.organization_id FROM patients p WHERE p.id = c.patient_id;
UPDATE session_events c SET organization_id = p.organization_id FROM sessions p WHERE p.id = c.session_id;
UPDATE claims c SET organization_id = p.organization_id FROM sessions p WHERE p.id = c.session_id;
UPDATE claims c SET organization_id = p.organization_id
    FROM authorizations p WHERE p.id = c.authorization_id AND c.organization_id IS NULL;

ALTER TABLE patient_insurance ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE authorizations ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE sessions ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE session_events ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE claims ALTER COLUMN organization_id SET NOT NULL;

CREATE TRIGGER fill_organization BEFORE INSERT ON patient_insurance
    FOR EACH ROW WHEN (NEW.organization_id IS NULL) EXECUTE FUNCTION app.fill_organization('patients', 'patient_id');
CREATE TRIGGER fill_organization BEFORE INSERT ON authorizations
    FOR EACH ROW WHEN (NEW.organization_id IS NULL) EXECUTE FUNCTION app.fill_organization('patients', 'patient_id');
CREATE TRIGGER fill_organization BEFORE INSERT ON sessions
    FOR EACH ROW WHEN (NEW.organization_id IS NULL) EXECUTE FUNCTION app.fill_organization('patients', 'patient_id');
CREATE TRIGGER fill_organization BEFORE INSERT ON session_events
    FOR EACH ROW WHEN (NEW.organization_id IS NULL) EXECUTE FUNCTION app.fill_organization('sessions', 'session_id');
CREATE TRIGGER fill_organization BEFORE INSERT ON claims
    FOR EACH ROW WHEN (NEW.organization_id IS NULL)
    EXECUTE FUNCTION app.fill_organization('sessions', 'session_id', 'authorizations', 'authorization_id');

-- Keys that cannot cross the wall: foreign keys ignore row-level security, so each carries the organisation ---------

ALTER TABLE users ADD CONSTRAINT users_tenant_key UNIQUE (organization_id, id);
ALTER TABLE staff_members ADD CONSTRAINT staff_members_tenant_key UNIQUE (organization_id, id);
ALTER TABLE patients ADD CONSTRAINT patients_tenant_key UNIQUE (organization_id, id);
-- The patient is part of these three keys: no booking can point at another child's authorization, no session at
-- another child's appointment.
ALTER TABLE appointments ADD CONSTRAINT appointments_patient_key UNIQUE (organization_id, patient_id, id);
ALTER TABLE patient_insurance ADD CONSTRAINT patient_insurance_tenant_key UNIQUE (organization_id, patient_id, id);
ALTER TABLE authorizations ADD CONSTRAINT authorizations_patient_key UNIQUE (organization_id, patient_id, id);
ALTER TABLE authorizations ADD CONSTRAINT authorizations_tenant_key UNIQUE (organization_id, id);
ALTER TABLE appointments ADD CONSTRAINT appointments_tenant_key UNIQUE (organization_id, id);
ALTER TABLE sessions ADD CONSTRAINT sessions_tenant_key UNIQUE (organization_id, id);
ALTER TABLE claims ADD CONSTRAINT claims_tenant_key UNIQUE (organization_id, id);

DO $$
DECLARE
    old_key record;
BEGIN
    FOR old_key IN
        SELECT c.conrelid::regclass AS of_table, c.conname
        FROM pg_catalog.pg_constraint c
        JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
        WHERE c.contype = 'f' AND t.relnamespace = 'public'::regnamespace
            AND c.confrelid <> 'public.organizations'::regclass
            AND t.relname IN ('staff_members', 'patient_insurance', 'authorizations', 'appointments', 'sessions',
                              'session_events', 'claims')
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', old_key.of_table, old_key.conname);
    END LOOP;
END
$$;

ALTER TABLE staff_members ADD CONSTRAINT staff_members_user_fkey
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE patient_insurance ADD CONSTRAINT patient_insurance_patient_fkey
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE authorizations ADD CONSTRAINT authorizations_patient_fkey
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE authorizations ADD CONSTRAINT authorizations_insurance_fkey
    FOREIGN KEY (organization_id, patient_id, insurance_id)
    REFERENCES patient_insurance (organization_id, patient_id, id) ON DELETE RESTRICT;
ALTER TABLE appointments ADD CONSTRAINT appointments_patient_fkey
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE appointments ADD CONSTRAINT appointments_provider_fkey
    FOREIGN KEY (organization_id, provider_id) REFERENCES staff_members (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE appointments ADD CONSTRAINT appointments_authorization_fkey
    FOREIGN KEY (organization_id, patient_id, authorization_id)
    REFERENCES authorizations (organization_id, patient_id, id) ON DELETE RESTRICT;
ALTER TABLE sessions ADD CONSTRAINT sessions_appointment_fkey
    FOREIGN KEY (organization_id, patient_id, appointment_id)
    REFERENCES appointments (organization_id, patient_id, id) ON DELETE RESTRICT;
ALTER TABLE sessions ADD CONSTRAINT sessions_patient_fkey
    FOREIGN KEY (organization_id, patient_id) REFERENCES patients (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE sessions ADD CONSTRAINT sessions_provider_fkey
    FOREIGN KEY (organization_id, provider_id) REFERENCES staff_members (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE sessions ADD CONSTRAINT sessions_authorization_fkey
    FOREIGN KEY (organization_id, patient_id, authorization_id)
    REFERENCES authorizations (organization_id, patient_id, id) ON DELETE RESTRICT;
ALTER TABLE session_events ADD CONSTRAINT session_events_session_fkey
    FOREIGN KEY (organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE session_events ADD CONSTRAINT session_events_recorded_by_fkey
    FOREIGN KEY (organization_id, recorded_by) REFERENCES staff_members (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE claims ADD CONSTRAINT claims_session_fkey
    FOREIGN KEY (organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE RESTRICT;
ALTER TABLE claims ADD CONSTRAINT claims_authorization_fkey
    FOREIGN KEY (organization_id, authorization_id) REFERENCES authorizations (organization_id, id) ON DELETE RESTRICT;

-- A unique key over all organisations tells one clinic what another holds: scope it.
ALTER TABLE claims DROP CONSTRAINT claims_claim_number_key;
ALTER TABLE claims ADD CONSTRAINT claims_claim_number_key UNIQUE (organization_id, claim_number);

-- Indexes led by the organisation take the place of those that were not; the files that follow add them per domain.
DROP INDEX idx_staff_members_user, idx_patient_insurance_patient, idx_authorizations_patient_dates,
    idx_authorizations_active_end, idx_authorizations_insurance, idx_appointments_patient_start,
    idx_appointments_provider_start, idx_appointments_authorization, idx_sessions_patient_start,
    idx_sessions_provider_start, idx_sessions_status_start, idx_sessions_appointment, idx_sessions_authorization,
    idx_session_events_session_time, idx_session_events_recorded_by, idx_claims_session, idx_claims_authorization,
    idx_claims_status_submitted, idx_audit_logs_user_time, idx_audit_logs_resource_time;
CREATE INDEX claims_tenant_session_idx ON claims (organization_id, session_id);
CREATE INDEX audit_logs_tenant_user_idx ON audit_logs (organization_id, user_id, "timestamp");
CREATE INDEX audit_logs_tenant_resource_idx ON audit_logs (organization_id, resource_type, resource_id, "timestamp");

-- The look-ups of 011, owned by the role that may read users whatever the context ----------------------------------

CREATE OR REPLACE FUNCTION app.current_organization_id() RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
    SELECT coalesce(app.org_id(), (SELECT u.organization_id FROM public.users u WHERE u.id = app.current_user_id()))
$$;

ALTER FUNCTION app.current_organization_id() OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.is_super_admin() OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.has_role(text) OWNER TO omnirapeutic_definer;

GRANT SELECT ON users, organizations, staff_members TO omnirapeutic_definer;
CREATE POLICY definer_lookup ON users FOR SELECT TO omnirapeutic_definer USING (true);
CREATE POLICY definer_lookup ON organizations FOR SELECT TO omnirapeutic_definer USING (true);
CREATE POLICY definer_lookup ON staff_members FOR SELECT TO omnirapeutic_definer USING (true);

-- One policy form everywhere ----------------------------------------------------------------------------------------

CALL app.wall_tenant_table('organizations', 'id');
CALL app.wall_tenant_table('users');
CALL app.wall_tenant_table('staff_members');
CALL app.wall_tenant_table('patients');
CALL app.wall_tenant_table('patient_insurance');
CALL app.wall_tenant_table('authorizations');
CALL app.wall_tenant_table('appointments');
CALL app.wall_tenant_table('sessions');
CALL app.wall_tenant_table('session_events');
CALL app.wall_tenant_table('claims');

-- The audit trail is read and appended within the organisation, changed by nobody.
ALTER TABLE audit_logs FORCE ROW LEVEL SECURITY;
DROP POLICY audit_logs_select ON audit_logs;
DROP POLICY audit_logs_insert ON audit_logs;
CREATE POLICY audit_logs_select ON audit_logs FOR SELECT
    USING (organization_id = coalesce(nullif(current_setting('app.current_org_id', true), '')::uuid,
                                      app.current_organization_id()));
CREATE POLICY audit_logs_insert ON audit_logs FOR INSERT
    WITH CHECK (organization_id = coalesce(nullif(current_setting('app.current_org_id', true), '')::uuid,
                                           app.current_organization_id()));
GRANT SELECT ON audit_logs TO omnirapeutic_auditor;

REVOKE ALL ON FUNCTION app.org_id(), app.fill_organization() FROM PUBLIC;
REVOKE ALL ON PROCEDURE app.wall_tenant_table(regclass, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.current_organization_id(), app.is_super_admin(), app.has_role(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.org_id(), app.current_organization_id(), app.current_user_id()
    TO omnirapeutic_app, omnirapeutic_definer, omnirapeutic_auditor;
GRANT EXECUTE ON FUNCTION app.is_super_admin(), app.has_role(text) TO omnirapeutic_app;
GRANT EXECUTE ON FUNCTION app.fill_organization() TO omnirapeutic_app;
-- Under FORCE the owner meets the policies too, and these functions are no longer its own.
GRANT EXECUTE ON FUNCTION app.current_organization_id(), app.is_super_admin(), app.has_role(text) TO CURRENT_USER;

REVOKE CREATE ON SCHEMA app FROM omnirapeutic_definer;
REVOKE omnirapeutic_definer FROM CURRENT_USER;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 013';
