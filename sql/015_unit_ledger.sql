-- Units: every movement of an authorization is one row in an append-only ledger, made under the authorization's row
-- lock by the functions below. Nobody else writes the ledger or the counters.
--
--   used_units      = sum(reserved_change + delivered_change)   reserved for bookings, or delivered
--   delivered_units = sum(delivered_change)

GRANT omnirapeutic_definer TO CURRENT_USER;
GRANT CREATE ON SCHEMA app TO omnirapeutic_definer;

ALTER TABLE appointments
    -- What the booking reserved. NULL where nothing is reserved: time that is not billed, rows from before the ledger.
    ADD COLUMN expected_units integer,
    ADD CONSTRAINT appointments_expected_units_check CHECK (expected_units > 0);

CREATE TABLE authorization_unit_ledger (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- Of an existing organisation, because the authorization is.
    organization_id uuid NOT NULL,
    authorization_id uuid NOT NULL,
    appointment_id uuid,
    session_id uuid,
    kind text NOT NULL,
    reserved_change integer NOT NULL DEFAULT 0,
    delivered_change integer NOT NULL DEFAULT 0,
    -- The date of service the units are for, in the clinic's zone: caps are counted by it.
    service_date date NOT NULL,
    -- One key, one effect: a repeated call with the same key changes nothing.
    idempotency_key text NOT NULL,
    created_by uuid DEFAULT app.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT authorization_unit_ledger_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT authorization_unit_ledger_once UNIQUE (organization_id, idempotency_key),
    CONSTRAINT authorization_unit_ledger_kind_check CHECK (kind IN ('RESERVE', 'RELEASE', 'SETTLE', 'ADJUST')),
    CONSTRAINT authorization_unit_ledger_authorization_fkey
        FOREIGN KEY (organization_id, authorization_id)
        REFERENCES authorizations (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT authorization_unit_ledger_appointment_fkey
        FOREIGN KEY (organization_id, appointment_id) REFERENCES appointments (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT authorization_unit_ledger_session_fkey
        FOREIGN KEY (organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE RESTRICT
);
CREATE INDEX authorization_unit_ledger_day_idx
    ON authorization_unit_ledger (organization_id, authorization_id, service_date);
CREATE INDEX authorization_unit_ledger_appointment_idx
    ON authorization_unit_ledger (organization_id, appointment_id) WHERE appointment_id IS NOT NULL;
CALL app.wall_tenant_table('authorization_unit_ledger');
GRANT SELECT ON authorization_unit_ledger TO omnirapeutic_app;
GRANT SELECT, INSERT ON authorization_unit_ledger TO omnirapeutic_definer;
-- A row lock needs the right to update a column; these are the only ones the functions change. It is FOR NO KEY UPDATE
-- everywhere: the appointment that was just inserted holds the row FOR KEY SHARE by its foreign key, and two bookings
-- that both do would deadlock on FOR UPDATE.
GRANT SELECT, UPDATE (used_units, delivered_units, status, updated_at) ON authorizations TO omnirapeutic_definer;
GRANT SELECT ON appointments, sessions TO omnirapeutic_definer;

-- The application writes an authorization's terms, never its counters.
REVOKE INSERT, UPDATE, DELETE ON authorizations FROM omnirapeutic_app;
GRANT INSERT (id, organization_id, patient_id, insurance_id, service_code, total_units, start_date, end_date, status,
              authorization_number, units_per_day, units_per_week, units_per_month, week_starts_on,
              created_at, updated_at),
      UPDATE (insurance_id, total_units, start_date, end_date, status, authorization_number,
              units_per_day, units_per_week, units_per_month, week_starts_on, updated_at)
    ON authorizations TO omnirapeutic_app;

-- The calendar date of an instant where the organisation in context is; UTC without one.
CREATE FUNCTION app.clinic_date(p_instant timestamptz) RETURNS date
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
    SELECT (p_instant AT TIME ZONE coalesce(
        (SELECT o.time_zone FROM public.organizations o WHERE o.id = app.current_organization_id()), 'UTC'))::date
$$;

-- How many units the caps of the letter still leave on a date of service; NULL where it has none.
CREATE FUNCTION app.cap_headroom(p_authorization authorizations, p_service_date date, OUT headroom integer, OUT cap text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    week_start date := p_service_date
        - ((extract(isodow FROM p_service_date)::integer - p_authorization.week_starts_on + 7) % 7);
    window_cap record;
BEGIN
    FOR window_cap IN
        SELECT c.cap_name, c.units - coalesce(sum(l.reserved_change + l.delivered_change), 0)::integer AS free
        FROM (VALUES
            ('DAY', p_authorization.units_per_day, p_service_date, p_service_date),
            ('WEEK', p_authorization.units_per_week, week_start, week_start + 6),
            ('MONTH', p_authorization.units_per_month, date_trunc('month', p_service_date)::date,
                (date_trunc('month', p_service_date) + interval '1 month - 1 day')::date)
        ) AS c (cap_name, units, first_day, last_day)
        LEFT JOIN public.authorization_unit_ledger l
            ON l.organization_id = p_authorization.organization_id AND l.authorization_id = p_authorization.id
            AND l.service_date BETWEEN c.first_day AND c.last_day
        WHERE c.units IS NOT NULL
        GROUP BY c.cap_name, c.units
    LOOP
        IF headroom IS NULL OR window_cap.free < headroom THEN
            headroom := window_cap.free;
            cap := window_cap.cap_name;
        END IF;
    END LOOP;
END
$$;

-- Reserves units for a date of service. Answers as the two-argument form, and besides:
--   AUTH_PENDING   the payer has not decided and this clinic does not schedule before it has
--   CAP_EXCEEDED   (+cap, available, requested) a cap of the letter
--   KEY_REUSED     the key was used for something else
-- A repeated key answers success with "replayed": true and changes nothing.
CREATE FUNCTION app.reserve_session_units(
    p_authorization_id uuid, p_units integer, p_service_date date, p_appointment_id uuid, p_idempotency_key text
) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    v_organization uuid := coalesce(app.org_id(), app.current_organization_id());
    v_authorization authorizations;
    v_prior authorization_unit_ledger;
    v_headroom integer;
    v_cap text;
    v_free integer;
BEGIN
    IF v_organization IS NULL THEN
        RETURN jsonb_build_object('success', false, 'error', 'UNAUTHORIZED', 'message', 'No organization is set.');
    END IF;
    IF p_units IS NULL OR p_units <= 0 THEN
        RETURN jsonb_build_object('success', false, 'error', 'INVALID_UNITS',
                                  'message', 'Units must be a whole number above zero.');
    END IF;

    SELECT * INTO v_authorization FROM authorizations
        WHERE organization_id = v_organization AND id = p_authorization_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_NOT_FOUND', 'message', 'Authorization not found.');
    END IF;
    v_free := v_authorization.total_units - v_authorization.used_units;

    -- After the lock: a twin that held it has committed by now, and this statement sees its row.
    SELECT * INTO v_prior FROM authorization_unit_ledger
        WHERE organization_id = v_organization AND idempotency_key = p_idempotency_key;
    IF FOUND THEN
        IF v_prior.kind = 'RESERVE' AND v_prior.authorization_id = p_authorization_id
            AND v_prior.reserved_change = p_units AND v_prior.service_date = p_service_date
            AND v_prior.appointment_id IS NOT DISTINCT FROM p_appointment_id
        THEN
            RETURN jsonb_build_object('success', true, 'units_reserved', p_units, 'remaining_units', v_free,
                                      'authorization_id', p_authorization_id, 'replayed', true);
        END IF;
        RETURN jsonb_build_object('success', false, 'error', 'KEY_REUSED',
                                  'message', 'This request was already used for something else.');
    END IF;

    IF v_authorization.status = 'CANCELLED' THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_CANCELLED',
                                  'message', 'The authorization was cancelled.');
    ELSIF v_authorization.status = 'PENDING' AND NOT (
        SELECT o.schedule_pending_authorizations FROM organizations o WHERE o.id = v_organization
    ) THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_PENDING',
                                  'message', 'The payer has not decided on this authorization yet.');
    ELSIF p_service_date < v_authorization.start_date THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_NOT_STARTED',
                                  'message', 'The authorization has not started on the date of service.',
                                  'start_date', v_authorization.start_date);
    ELSIF p_service_date > v_authorization.end_date OR v_authorization.status = 'EXPIRED' THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_EXPIRED',
                                  'message', 'The authorization has ended before the date of service.',
                                  'expired_date', v_authorization.end_date);
    ELSIF v_free <= 0 THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_EXHAUSTED',
                                  'message', 'No units are left on this authorization.');
    ELSIF v_free < p_units THEN
        RETURN jsonb_build_object('success', false, 'error', 'INSUFFICIENT_UNITS',
                                  'message', 'Fewer units are left than requested.',
                                  'available', v_free, 'requested', p_units);
    END IF;
    IF num_nonnulls(v_authorization.units_per_day, v_authorization.units_per_week, v_authorization.units_per_month) > 0
    THEN
        SELECT h.headroom, h.cap INTO v_headroom, v_cap FROM app.cap_headroom(v_authorization, p_service_date) h;
        IF v_headroom < p_units THEN
            RETURN jsonb_build_object('success', false, 'error', 'CAP_EXCEEDED',
                                      'message', 'A cap of the authorization would be exceeded.', 'cap', v_cap,
                                      'available', greatest(v_headroom, 0), 'requested', p_units);
        END IF;
    END IF;

    UPDATE authorizations
        SET used_units = used_units + p_units, updated_at = now(),
            status = CASE WHEN v_free = p_units AND status = 'ACTIVE' THEN 'EXHAUSTED' ELSE status END
        WHERE organization_id = v_organization AND id = p_authorization_id;
    INSERT INTO authorization_unit_ledger
        (organization_id, authorization_id, appointment_id, kind, reserved_change, service_date, idempotency_key)
    VALUES (v_organization, p_authorization_id, p_appointment_id, 'RESERVE', p_units, p_service_date,
            p_idempotency_key);
    RETURN jsonb_build_object('success', true, 'units_reserved', p_units, 'remaining_units', v_free - p_units,
                              'authorization_id', p_authorization_id);
END
$$;

-- The original's contract: for a service today (in the clinic's zone), tied to no appointment.
CREATE OR REPLACE FUNCTION app.reserve_session_units(p_authorization_id uuid, p_expected_units integer) RETURNS jsonb
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
    SELECT app.reserve_session_units(
        p_authorization_id, p_expected_units, app.clinic_date(now()), NULL, 'unattached:' || gen_random_uuid())
$$;

-- Moves one authorization's counters and appends the row that says why. Only for the functions of this file.
CREATE FUNCTION app.post_unit_movement(
    p_authorization authorizations, p_appointment_id uuid, p_session_id uuid, p_kind text,
    p_reserved_change integer, p_delivered_change integer, p_service_date date, p_idempotency_key text
) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    v_used integer := p_authorization.used_units + p_reserved_change + p_delivered_change;
BEGIN
    UPDATE authorizations
        SET used_units = v_used, delivered_units = delivered_units + p_delivered_change, updated_at = now(),
            status = CASE WHEN status = 'EXHAUSTED' AND v_used < total_units THEN 'ACTIVE'
                          WHEN status = 'ACTIVE' AND v_used = total_units THEN 'EXHAUSTED' ELSE status END
        WHERE organization_id = p_authorization.organization_id AND id = p_authorization.id;
    INSERT INTO authorization_unit_ledger
        (organization_id, authorization_id, appointment_id, session_id, kind, reserved_change, delivered_change,
         service_date, idempotency_key)
    VALUES (p_authorization.organization_id, p_authorization.id, p_appointment_id, p_session_id, p_kind,
            p_reserved_change, p_delivered_change, p_service_date, p_idempotency_key);
END
$$;

-- What an appointment still holds reserved.
CREATE FUNCTION app.reserved_units(p_organization_id uuid, p_appointment_id uuid) RETURNS integer
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
    AS $$
    SELECT coalesce(sum(l.reserved_change), 0)::integer FROM public.authorization_unit_ledger l
    WHERE l.organization_id = p_organization_id AND l.appointment_id = p_appointment_id
$$;

-- Gives back what an appointment holds reserved: {"success": true, "units_released": n}. Repeating it releases 0.
CREATE FUNCTION app.release_session_units(p_appointment_id uuid, p_idempotency_key text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    v_organization uuid := coalesce(app.org_id(), app.current_organization_id());
    v_authorization authorizations;
    v_reservation record;
    v_reserved integer;
    v_released integer := 0;
BEGIN
    FOR v_reservation IN
        SELECT l.authorization_id, max(l.service_date) AS service_date FROM authorization_unit_ledger l
        WHERE l.organization_id = v_organization AND l.appointment_id = p_appointment_id
        GROUP BY l.authorization_id ORDER BY l.authorization_id
    LOOP
        SELECT * INTO v_authorization FROM authorizations
            WHERE organization_id = v_organization AND id = v_reservation.authorization_id FOR NO KEY UPDATE;
        SELECT coalesce(sum(l.reserved_change), 0) INTO v_reserved FROM authorization_unit_ledger l
            WHERE l.organization_id = v_organization AND l.appointment_id = p_appointment_id
                AND l.authorization_id = v_authorization.id;
        IF v_reserved > 0 THEN
            PERFORM app.post_unit_movement(v_authorization, p_appointment_id, NULL, 'RELEASE', -v_reserved, 0,
                                           v_reservation.service_date,
                                           p_idempotency_key || ':' || v_authorization.id);
            v_released := v_released + v_reserved;
        END IF;
    END LOOP;
    RETURN jsonb_build_object('success', true, 'units_released', v_released);
END
$$;

-- Replaces a session's reservation by what was delivered, on the session's own date. Longer than booked takes what is
-- free and what the caps leave; the rest is excess, which is not billable until a supervisor decides. So is all of it
-- where the authorization was cancelled meanwhile or does not cover the date. Answers units_delivered, units_released,
-- excess_units; repeated for the same session it answers the same and changes nothing. Besides SESSION_NOT_FOUND,
-- AUTH_NOT_FOUND and INVALID_UNITS it refuses
--   SESSION_CANCELLED    nothing was delivered
--   WRONG_AUTHORIZATION  the line is for another service, or is not the one the appointment was booked on
CREATE FUNCTION app.settle_session_units(p_session_id uuid, p_units integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    v_organization uuid := coalesce(app.org_id(), app.current_organization_id());
    v_key text := 'settle:' || p_session_id;
    v_session sessions;
    v_authorization authorizations;
    v_prior authorization_unit_ledger;
    v_date date;
    v_reserved_for date;
    v_reserved integer;
    v_headroom integer;
    v_delivered integer;
BEGIN
    IF p_units IS NULL OR p_units < 0 THEN
        RETURN jsonb_build_object('success', false, 'error', 'INVALID_UNITS',
                                  'message', 'Units must be a whole number, zero or more.');
    END IF;
    SELECT * INTO v_session FROM sessions WHERE organization_id = v_organization AND id = p_session_id;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('success', false, 'error', 'SESSION_NOT_FOUND', 'message', 'Session not found.');
    ELSIF v_session.status = 'CANCELLED' THEN
        RETURN jsonb_build_object('success', false, 'error', 'SESSION_CANCELLED', 'message', 'Session was cancelled.');
    END IF;
    SELECT * INTO v_authorization FROM authorizations
        WHERE organization_id = v_organization AND id = v_session.authorization_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_NOT_FOUND', 'message', 'Authorization not found.');
    END IF;
    SELECT * INTO v_prior FROM authorization_unit_ledger
        WHERE organization_id = v_organization AND idempotency_key = v_key;
    IF FOUND THEN
        RETURN jsonb_build_object('success', true, 'units_delivered', v_prior.delivered_change,
                                  'units_released', -v_prior.reserved_change,
                                  'excess_units', greatest(p_units - v_prior.delivered_change, 0), 'replayed', true);
    END IF;
    IF v_authorization.service_code <> v_session.service_code OR EXISTS (
        SELECT FROM appointments a
        WHERE a.organization_id = v_organization AND a.id = v_session.appointment_id
            AND a.authorization_id IS DISTINCT FROM v_session.authorization_id
    ) THEN
        RETURN jsonb_build_object('success', false, 'error', 'WRONG_AUTHORIZATION',
                                  'message', 'The session was not booked on this authorization.');
    END IF;

    v_date := coalesce(v_session.service_date, app.clinic_date(v_session.start_time));
    SELECT coalesce(sum(l.reserved_change), 0), coalesce(max(l.service_date), v_date) INTO v_reserved, v_reserved_for
        FROM authorization_unit_ledger l
        WHERE l.organization_id = v_organization AND l.appointment_id = v_session.appointment_id
            AND l.authorization_id = v_authorization.id;
    v_delivered := least(p_units, v_reserved + v_authorization.total_units - v_authorization.used_units);
    SELECT h.headroom INTO v_headroom FROM app.cap_headroom(v_authorization, v_date) h;
    IF v_headroom IS NOT NULL THEN
        v_delivered := least(v_delivered, v_reserved + greatest(v_headroom, 0));
    END IF;
    IF v_authorization.status = 'CANCELLED'
        OR v_date NOT BETWEEN v_authorization.start_date AND v_authorization.end_date
    THEN
        v_delivered := 0;
    END IF;
    IF v_reserved_for <> v_date THEN
        -- Given back on the day it was reserved for, so that no cap counts it any more.
        PERFORM app.post_unit_movement(v_authorization, v_session.appointment_id, NULL, 'RELEASE', -v_reserved, 0,
                                       v_reserved_for, v_key || ':release');
        v_authorization.used_units := v_authorization.used_units - v_reserved;
        PERFORM app.post_unit_movement(v_authorization, v_session.appointment_id, p_session_id, 'SETTLE', 0,
                                       v_delivered, v_date, v_key);
    ELSE
        PERFORM app.post_unit_movement(v_authorization, v_session.appointment_id, p_session_id, 'SETTLE', -v_reserved,
                                       v_delivered, v_date, v_key);
    END IF;
    RETURN jsonb_build_object('success', true, 'units_delivered', v_delivered, 'units_released', v_reserved,
                              'excess_units', p_units - v_delivered);
END
$$;

-- Corrects a balance by hand: units delivered elsewhere (above zero), or taken back (below). Taking back draws on
-- reservations tied to no appointment first, then on what counts as delivered.
CREATE FUNCTION app.adjust_authorization_units(p_authorization_id uuid, p_units integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    v_organization uuid := coalesce(app.org_id(), app.current_organization_id());
    v_authorization authorizations;
    v_unattached integer;
    v_from_reserved integer := 0;
BEGIN
    IF v_organization IS NULL THEN
        RETURN jsonb_build_object('success', false, 'error', 'UNAUTHORIZED', 'message', 'No organization is set.');
    END IF;
    IF p_units IS NULL OR p_units = 0 THEN
        RETURN jsonb_build_object('success', false, 'error', 'INVALID_UNITS',
                                  'message', 'Units must be a whole number other than zero.');
    END IF;
    SELECT * INTO v_authorization FROM authorizations
        WHERE organization_id = v_organization AND id = p_authorization_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('success', false, 'error', 'AUTH_NOT_FOUND', 'message', 'Authorization not found.');
    END IF;
    IF p_units < 0 THEN
        SELECT coalesce(sum(l.reserved_change), 0) INTO v_unattached FROM authorization_unit_ledger l
            WHERE l.organization_id = v_organization AND l.authorization_id = p_authorization_id
                AND l.appointment_id IS NULL;
        v_from_reserved := -least(-p_units, greatest(v_unattached, 0));
    END IF;
    IF p_units > v_authorization.total_units - v_authorization.used_units
        OR v_authorization.delivered_units + (p_units - v_from_reserved) < 0
    THEN
        RETURN jsonb_build_object('success', false, 'error', 'INSUFFICIENT_UNITS',
                                  'message', 'The balance does not allow this adjustment.',
                                  'available', v_authorization.total_units - v_authorization.used_units,
                                  'requested', p_units);
    END IF;
    PERFORM app.post_unit_movement(v_authorization, NULL, NULL, 'ADJUST', v_from_reserved, p_units - v_from_reserved,
                                   app.clinic_date(now()), 'adjust:' || gen_random_uuid());
    RETURN jsonb_build_object('success', true, 'units_adjusted', p_units, 'authorization_id', p_authorization_id,
                              'remaining_units',
                              v_authorization.total_units - v_authorization.used_units - p_units);
END
$$;

-- The referee: at commit, what is booked or delivered and what the ledger says must agree. Rows that the tables'
-- owner brings in (imports, restores) are exempt; check_ledger lists them.

CREATE FUNCTION app.is_owner_of(p_table oid) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
    AS $$
    SELECT pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_catalog.pg_class c WHERE c.oid = p_table
$$;

CREATE FUNCTION app.check_appointment_units() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    v_appointment appointments;
    v_expected integer := 0;
    v_moved boolean := false;
BEGIN
    IF app.is_owner_of('public.appointments'::regclass) THEN
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'appointments' AND TG_OP = 'UPDATE' THEN
        v_moved := NEW.start_time <> OLD.start_time;
    END IF;
    IF coalesce(app.org_id(), app.current_organization_id()) IS DISTINCT FROM NEW.organization_id THEN
        RAISE EXCEPTION 'The organization in context was changed before the commit.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'appointment_units_reserved';
    END IF;
    IF TG_TABLE_NAME = 'appointments' THEN
        SELECT * INTO v_appointment FROM appointments WHERE organization_id = NEW.organization_id AND id = NEW.id;
    ELSE
        SELECT * INTO v_appointment FROM appointments
            WHERE organization_id = NEW.organization_id AND id = NEW.appointment_id;
    END IF;
    IF v_appointment.status IN ('SCHEDULED', 'IN_PROGRESS') THEN
        IF v_appointment.authorization_id IS NULL THEN
            IF coalesce((SELECT c.is_billable FROM service_codes c WHERE c.code = v_appointment.service_code), true)
            THEN
                RAISE EXCEPTION 'A billable appointment needs an authorization.'
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'appointment_units_reserved';
            END IF;
        ELSE
            v_expected := v_appointment.expected_units;
        END IF;
    END IF;
    -- Every unit the appointment holds must be on the authorization it names, for the code it names.
    IF v_expected IS DISTINCT FROM app.reserved_units(v_appointment.organization_id, v_appointment.id)
        OR EXISTS (
            SELECT FROM authorization_unit_ledger l
            JOIN authorizations z ON z.organization_id = l.organization_id AND z.id = l.authorization_id
            WHERE l.organization_id = v_appointment.organization_id AND l.appointment_id = v_appointment.id
            GROUP BY z.id
            HAVING sum(l.reserved_change) <> 0
                AND (v_expected = 0 OR z.id IS DISTINCT FROM v_appointment.authorization_id
                     OR z.service_code <> v_appointment.service_code))
    THEN
        RAISE EXCEPTION 'The appointment and the unit ledger disagree.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'appointment_units_reserved';
    END IF;
    -- And for its date. Asked only where the time was set: the clinic's zone may have been corrected since.
    IF TG_TABLE_NAME = 'appointments' AND v_expected > 0 AND (TG_OP = 'INSERT' OR v_moved) AND EXISTS (
        SELECT FROM authorization_unit_ledger l
        WHERE l.organization_id = v_appointment.organization_id AND l.appointment_id = v_appointment.id
        GROUP BY l.service_date
        HAVING sum(l.reserved_change) <> 0 AND l.service_date <> app.clinic_date(v_appointment.start_time)
    ) THEN
        RAISE EXCEPTION 'The units are reserved for another date than the appointment''s.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'appointment_units_reserved';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER appointment_units_reserved
    AFTER INSERT OR UPDATE OF status, authorization_id, expected_units, service_code, patient_id, start_time
    ON appointments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.check_appointment_units();

CREATE FUNCTION app.check_session_units() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    v_session sessions;
    v_expected integer := 0;
BEGIN
    IF app.is_owner_of('public.sessions'::regclass) THEN
        RETURN NULL;
    END IF;
    IF coalesce(app.org_id(), app.current_organization_id()) IS DISTINCT FROM NEW.organization_id THEN
        RAISE EXCEPTION 'The organization in context was changed before the commit.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'session_units_settled';
    END IF;
    IF TG_TABLE_NAME = 'sessions' THEN
        SELECT * INTO v_session FROM sessions WHERE organization_id = NEW.organization_id AND id = NEW.id;
    ELSE
        SELECT * INTO v_session FROM sessions WHERE organization_id = NEW.organization_id AND id = NEW.session_id;
    END IF;
    IF v_session.status IN ('COMPLETED', 'REQUIRES_REVIEW')
        AND coalesce((SELECT c.is_billable FROM service_codes c WHERE c.code = v_session.service_code), true)
    THEN
        v_expected := coalesce(v_session.billed_units, 0);
    END IF;
    -- Whatever is billed was delivered on the authorization the session names, and nothing was on another.
    IF v_expected <> (
        SELECT coalesce(sum(l.delivered_change), 0) FROM authorization_unit_ledger l
        WHERE l.organization_id = v_session.organization_id AND l.session_id = v_session.id
    ) OR EXISTS (
        SELECT FROM authorization_unit_ledger l
        WHERE l.organization_id = v_session.organization_id AND l.session_id = v_session.id
            AND l.authorization_id IS DISTINCT FROM v_session.authorization_id
    ) THEN
        RAISE EXCEPTION 'The session and the unit ledger disagree.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'session_units_settled';
    END IF;
    RETURN NULL;
END
$$;

-- Not for each batch of taps: only these columns say what was delivered.
CREATE CONSTRAINT TRIGGER session_units_settled
    AFTER INSERT OR UPDATE OF status, billed_units, authorization_id ON sessions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.check_session_units();
-- The other direction: a movement made without the appointment or session it names is refused as well.
CREATE CONSTRAINT TRIGGER appointment_units_reserved AFTER INSERT ON authorization_unit_ledger
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.appointment_id IS NOT NULL)
    EXECUTE FUNCTION app.check_appointment_units();
CREATE CONSTRAINT TRIGGER session_units_settled AFTER INSERT ON authorization_unit_ledger
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.session_id IS NOT NULL)
    EXECUTE FUNCTION app.check_session_units();
CREATE INDEX authorization_unit_ledger_session_idx
    ON authorization_unit_ledger (organization_id, session_id) WHERE session_id IS NOT NULL;

-- A corrected total makes a line bookable again, or not any more, whatever the writer says of its status.
CREATE FUNCTION app.keep_exhausted_status() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    NEW.status := CASE WHEN NEW.status = 'EXHAUSTED' AND NEW.used_units < NEW.total_units THEN 'ACTIVE'
                       WHEN NEW.status = 'ACTIVE' AND NEW.used_units = NEW.total_units THEN 'EXHAUSTED'
                       ELSE NEW.status END;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_exhausted_status BEFORE UPDATE OF total_units ON authorizations
    FOR EACH ROW EXECUTE FUNCTION app.keep_exhausted_status();

ALTER FUNCTION app.clinic_date(timestamptz) OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.reserve_session_units(uuid, integer, date, uuid, text) OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.reserve_session_units(uuid, integer) OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.release_session_units(uuid, text) OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.settle_session_units(uuid, integer) OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.adjust_authorization_units(uuid, integer) OWNER TO omnirapeutic_definer;

REVOKE ALL ON FUNCTION
    app.cap_headroom(authorizations, date), app.clinic_date(timestamptz), app.reserved_units(uuid, uuid),
    app.post_unit_movement(authorizations, uuid, uuid, text, integer, integer, date, text),
    app.reserve_session_units(uuid, integer, date, uuid, text), app.reserve_session_units(uuid, integer),
    app.release_session_units(uuid, text), app.settle_session_units(uuid, integer),
    app.adjust_authorization_units(uuid, integer), app.is_owner_of(oid),
    app.check_appointment_units(), app.check_session_units(), app.keep_exhausted_status()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    app.clinic_date(timestamptz), app.reserved_units(uuid, uuid),
    app.reserve_session_units(uuid, integer, date, uuid, text), app.reserve_session_units(uuid, integer),
    app.release_session_units(uuid, text), app.settle_session_units(uuid, integer),
    app.adjust_authorization_units(uuid, integer), app.is_owner_of(oid)
    TO omnirapeutic_app, CURRENT_USER;
GRANT EXECUTE ON FUNCTION
    app.cap_headroom(authorizations, date), app.reserved_units(uuid, uuid), app.is_owner_of(oid),
    app.post_unit_movement(authorizations, uuid, uuid, text, integer, integer, date, text)
    TO omnirapeutic_definer;

REVOKE CREATE ON SCHEMA app FROM omnirapeutic_definer;
REVOKE omnirapeutic_definer FROM CURRENT_USER;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 015';
