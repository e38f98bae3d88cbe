-- Overlaps are refused by exclusion constraints. organization_id leads each of them: without it a refusal would tell
-- one clinic when another's staff are busy.

GRANT omnirapeutic_definer TO CURRENT_USER;
GRANT CREATE ON SCHEMA app TO omnirapeutic_definer;

ALTER TABLE appointments DROP CONSTRAINT appointments_status_check;
ALTER TABLE appointments
    -- LAPSED: its time passed, nobody started it, its units were given back.
    ADD CONSTRAINT appointments_status_check
        CHECK (status IN ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED', 'NO_SHOW', 'LAPSED')),
    -- Lets calendars bound their search: start_time > x - 24 hours, instead of scanning all history.
    ADD CONSTRAINT appointments_longest_duration CHECK (end_time - start_time <= interval '24 hours'),
    -- Members of one group session share it; their provider may then have several appointments at once.
    ADD COLUMN group_id uuid,
    ADD COLUMN patient_lanes int4range,
    ADD COLUMN cancelled_by_party text,
    ADD COLUMN cancellation_reason text,
    ADD COLUMN cancelled_at timestamptz,
    ADD CONSTRAINT appointments_cancelled_by_party_check CHECK (cancelled_by_party IN ('CLIENT', 'STAFF', 'CLINIC'));

CREATE FUNCTION app.fill_patient_lanes() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    IF NEW.group_id IS NOT NULL
        AND NOT coalesce((SELECT c.is_group FROM service_codes c WHERE c.code = NEW.service_code), false)
    THEN
        RAISE EXCEPTION 'Only a group service has members.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'appointments_group_service';
    END IF;
    NEW.patient_lanes := coalesce(
        (SELECT c.patient_lanes FROM service_codes c WHERE c.code = NEW.service_code), '[1,3)'::int4range);
    RETURN NEW;
END
$$;
-- FORCE blinds the owner, who has no context here: until it is back, the rows of every organisation can be filled in.
ALTER TABLE appointments NO FORCE ROW LEVEL SECURITY;
UPDATE appointments a SET patient_lanes = coalesce(
    (SELECT c.patient_lanes FROM service_codes c WHERE c.code = a.service_code), '[1,3)'::int4range);
SET CONSTRAINTS ALL IMMEDIATE;  -- a table with waiting triggers cannot be altered
ALTER TABLE appointments ALTER COLUMN patient_lanes SET NOT NULL;
CREATE TRIGGER fill_patient_lanes BEFORE INSERT OR UPDATE OF service_code, patient_lanes, group_id ON appointments
    FOR EACH ROW EXECUTE FUNCTION app.fill_patient_lanes();

ALTER TABLE appointments ADD CONSTRAINT appointments_patient_overlap EXCLUDE USING gist (
    organization_id WITH =, patient_id WITH =, patient_lanes WITH &&, tstzrange(start_time, end_time) WITH &&
) WHERE (status IN ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED')) DEFERRABLE INITIALLY IMMEDIATE;

-- A provider's whole time stands in one table under one constraint: appointments here by trigger, other time later.
CREATE TABLE provider_occupancies (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    provider_id uuid NOT NULL,
    appointment_id uuid,
    -- Equal for the members of one group session, else the appointment's own id.
    group_id uuid NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT provider_occupancies_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT provider_occupancies_once UNIQUE (organization_id, appointment_id, provider_id),
    CONSTRAINT provider_occupancies_time_range CHECK (end_time > start_time),
    CONSTRAINT provider_occupancies_provider_fkey
        FOREIGN KEY (organization_id, provider_id) REFERENCES staff_members (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT provider_occupancies_appointment_fkey
        FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT provider_occupancies_overlap EXCLUDE USING gist (
        organization_id WITH =, provider_id WITH =, group_id WITH <>, tstzrange(start_time, end_time) WITH &&
    ) DEFERRABLE INITIALLY IMMEDIATE
);
CALL app.wall_tenant_table('provider_occupancies');
-- Written by the trigger below only. It may run for a writer without a context (an import by the administrator), so
-- it passes the wall by name; what it writes is the appointment's own organisation, which has passed it already.
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_occupancies TO omnirapeutic_definer;
CREATE POLICY definer_maintenance ON provider_occupancies FOR ALL TO omnirapeutic_definer
    USING (true) WITH CHECK (true);
GRANT SELECT ON provider_occupancies TO omnirapeutic_app;

CREATE FUNCTION app.keep_provider_occupancy() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM provider_occupancies o
            WHERE o.organization_id = OLD.organization_id AND o.appointment_id = OLD.id
                AND (NEW.provider_id IS NULL OR NEW.provider_id <> o.provider_id
                     OR NEW.status NOT IN ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED'));
    END IF;
    IF NEW.provider_id IS NOT NULL AND NEW.status IN ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED') THEN
        INSERT INTO provider_occupancies
            (organization_id, provider_id, appointment_id, group_id, start_time, end_time)
        VALUES (NEW.organization_id, NEW.provider_id, NEW.id, coalesce(NEW.group_id, NEW.id), NEW.start_time,
                NEW.end_time)
        ON CONFLICT ON CONSTRAINT provider_occupancies_once DO UPDATE
            SET group_id = excluded.group_id, start_time = excluded.start_time, end_time = excluded.end_time,
                updated_at = now();
    END IF;
    RETURN NULL;
END
$$;
ALTER FUNCTION app.keep_provider_occupancy() OWNER TO omnirapeutic_definer;
CREATE TRIGGER keep_provider_occupancy
    AFTER INSERT OR UPDATE OF provider_id, group_id, start_time, end_time, status ON appointments
    FOR EACH ROW EXECUTE FUNCTION app.keep_provider_occupancy();
ALTER TABLE provider_occupancies NO FORCE ROW LEVEL SECURITY;
INSERT INTO provider_occupancies (organization_id, provider_id, appointment_id, group_id, start_time, end_time)
SELECT organization_id, provider_id, id, id, start_time, end_time FROM appointments
WHERE provider_id IS NOT NULL AND status IN ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED');
ALTER TABLE provider_occupancies FORCE ROW LEVEL SECURITY;
ALTER TABLE appointments FORCE ROW LEVEL SECURITY;

-- True when the provider or the patient is taken at that time. Compares times, not ranges: range operators are not
-- leakproof and would lose their index under row-level security.
CREATE FUNCTION app.check_scheduling_conflict(
    p_provider_id uuid, p_patient_id uuid, p_start_time timestamptz, p_end_time timestamptz,
    p_exclude_appointment_id uuid DEFAULT NULL
) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
    AS $$
    SELECT EXISTS (
        SELECT FROM public.provider_occupancies o
        WHERE o.organization_id = app.current_organization_id() AND o.provider_id = p_provider_id
            AND o.start_time < p_end_time AND o.end_time > p_start_time
            AND o.start_time > p_start_time - interval '24 hours'
            AND o.appointment_id IS DISTINCT FROM p_exclude_appointment_id
    ) OR EXISTS (
        SELECT FROM public.appointments a
        WHERE a.organization_id = app.current_organization_id() AND a.patient_id = p_patient_id
            AND a.status IN ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED')
            AND a.start_time < p_end_time AND a.end_time > p_start_time
            AND a.start_time > p_start_time - interval '24 hours'
            AND a.id IS DISTINCT FROM p_exclude_appointment_id
    )
$$;

CREATE INDEX appointments_tenant_patient_idx ON appointments (organization_id, patient_id, start_time);
CREATE INDEX appointments_tenant_provider_idx ON appointments (organization_id, provider_id, start_time);
CREATE INDEX appointments_tenant_authorization_idx ON appointments (organization_id, authorization_id);
CREATE INDEX provider_occupancies_start_idx ON provider_occupancies (organization_id, provider_id, start_time);

-- Gives back the units of bookings whose time passed and that nobody started, in the organisation in context.
-- The default leaves three days in which a tablet may still be offline with the session on it.
CREATE FUNCTION app.release_stale_reservations(p_older_than interval DEFAULT interval '72 hours') RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    v_appointment record;
    v_appointments integer := 0;
    v_units integer := 0;
BEGIN
    FOR v_appointment IN
        SELECT a.id, a.organization_id FROM appointments a
        WHERE a.organization_id = app.current_organization_id() AND a.status = 'SCHEDULED'
            AND a.end_time < now() - p_older_than
        -- A bounded number at a time: the caller comes again until none is left.
        ORDER BY a.start_time, a.id LIMIT 200 FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE appointments SET status = 'LAPSED', updated_at = now()
            WHERE organization_id = v_appointment.organization_id AND id = v_appointment.id;
        v_units := v_units + (app.release_session_units(v_appointment.id, 'lapse:' || v_appointment.id)
                              ->> 'units_released')::integer;
        v_appointments := v_appointments + 1;
    END LOOP;
    RETURN jsonb_build_object('success', true, 'appointments_lapsed', v_appointments, 'units_released', v_units);
END
$$;

REVOKE ALL ON FUNCTION
    app.fill_patient_lanes(), app.keep_provider_occupancy(), app.release_stale_reservations(interval),
    app.check_scheduling_conflict(uuid, uuid, timestamptz, timestamptz, uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    app.release_stale_reservations(interval),
    app.check_scheduling_conflict(uuid, uuid, timestamptz, timestamptz, uuid)
    TO omnirapeutic_app;

REVOKE CREATE ON SCHEMA app FROM omnirapeutic_definer;
REVOKE omnirapeutic_definer FROM CURRENT_USER;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 016';
