-- Two clinics, a and b, with one row in every tenant table, for the suites beside this file. Runs as the tables' owner
-- (whom FORCE confines, so each clinic is written in its own context) in a transaction that is rolled back.

-- The id of a clinic's row: pg_temp.id('a', 4) is clinic a's patient.
CREATE FUNCTION pg_temp.id(clinic text, number integer) RETURNS uuid LANGUAGE sql IMMUTABLE
    AS $$ SELECT (clinic || '5a11e75-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid $$;

CREATE FUNCTION pg_temp.work_for(organization uuid) RETURNS void LANGUAGE sql
    AS $$ SELECT set_config('app.current_org_id', coalesce(organization::text, ''), true),
                 set_config('app.current_user_id', '', true) $$;

CREATE FUNCTION pg_temp.fail(message text, VARIADIC arguments text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION USING MESSAGE = 'FAILED: ' || format(message, VARIADIC arguments); END $$;

DO $$
DECLARE
    c text;
    org uuid;
    hash text := repeat('0', 64);
BEGIN
    FOREACH c IN ARRAY ARRAY['a', 'b'] LOOP
        org := pg_temp.id(c, 1);
        PERFORM pg_temp.work_for(org);
        INSERT INTO organizations (id, name) VALUES (org, 'Clinic ' || c);
        INSERT INTO users (id, organization_id, email, password_hash, full_name, role)
            VALUES (pg_temp.id(c, 2), org, c || '@sql-suite.example', 'x', 'Person ' || c, 'BCBA');
        INSERT INTO staff_members (id, user_id, organization_id) VALUES (pg_temp.id(c, 3), pg_temp.id(c, 2), org);
        INSERT INTO patients (id, organization_id, first_name, last_name, date_of_birth, state)
            VALUES (pg_temp.id(c, 4), org, 'Child', 'Of ' || c, '2018-01-01', 'NY');
        INSERT INTO payers (id, organization_id, name, payer_id) VALUES (pg_temp.id(c, 5), org, 'Plan', '60054');
        INSERT INTO patient_insurance (id, organization_id, patient_id, billing_payer_id, payer_name, member_id)
            VALUES (pg_temp.id(c, 6), org, pg_temp.id(c, 4), pg_temp.id(c, 5), 'Plan', 'W1');
        INSERT INTO authorizations (id, organization_id, patient_id, insurance_id, service_code, total_units,
                                    used_units, start_date, end_date, status)
            VALUES (pg_temp.id(c, 7), org, pg_temp.id(c, 4), pg_temp.id(c, 6), '97153', 40, 8,
                    current_date - 30, current_date + 30, 'ACTIVE');
        INSERT INTO appointments (id, organization_id, patient_id, provider_id, authorization_id, service_code,
                                  start_time, end_time, status, expected_units)
            VALUES (pg_temp.id(c, 8), org, pg_temp.id(c, 4), pg_temp.id(c, 3), pg_temp.id(c, 7), '97153',
                    current_date + time '10:00', current_date + time '12:00', 'SCHEDULED', 8);
        INSERT INTO authorization_unit_ledger (id, organization_id, authorization_id, appointment_id, kind,
                                               reserved_change, service_date, idempotency_key)
            VALUES (pg_temp.id(c, 9), org, pg_temp.id(c, 7), pg_temp.id(c, 8), 'RESERVE', 8, current_date, 'first');
        INSERT INTO caseload_assignments (id, organization_id, patient_id, staff_member_id, starts_on)
            VALUES (pg_temp.id(c, 10), org, pg_temp.id(c, 4), pg_temp.id(c, 3), current_date);
        INSERT INTO programs (id, organization_id, patient_id, name)
            VALUES (pg_temp.id(c, 11), org, pg_temp.id(c, 4), 'Communication');
        INSERT INTO targets (id, organization_id, patient_id, program_id, name, measure)
            VALUES (pg_temp.id(c, 12), org, pg_temp.id(c, 4), pg_temp.id(c, 11), 'Asks for help', 'FREQUENCY');
        INSERT INTO sessions (id, organization_id, appointment_id, patient_id, provider_id, authorization_id,
                              service_code, start_time, status)
            VALUES (pg_temp.id(c, 13), org, pg_temp.id(c, 8), pg_temp.id(c, 4), pg_temp.id(c, 3), pg_temp.id(c, 7),
                    '97153', now(), 'IN_PROGRESS');
        INSERT INTO session_events (id, organization_id, session_id, target_id, event_type, recorded_by)
            VALUES (pg_temp.id(c, 14), org, pg_temp.id(c, 13), pg_temp.id(c, 12), 'FREQUENCY', pg_temp.id(c, 3));
        INSERT INTO session_notes (id, organization_id, session_id)
            VALUES (pg_temp.id(c, 15), org, pg_temp.id(c, 13));
        INSERT INTO note_signatures (id, organization_id, note_id, staff_member_id, signer_role, content_sha256)
            VALUES (pg_temp.id(c, 16), org, pg_temp.id(c, 15), pg_temp.id(c, 3), 'RENDERING', hash);
        INSERT INTO service_rates (id, organization_id, payer_id, service_code, rate, starts_on)
            VALUES (pg_temp.id(c, 17), org, pg_temp.id(c, 5), '97153', 18.50, '2024-01-01');
        INSERT INTO claims (id, organization_id, session_id, authorization_id, patient_id, payer_id, edi_payload, status)
            VALUES (pg_temp.id(c, 18), org, pg_temp.id(c, 13), pg_temp.id(c, 7), pg_temp.id(c, 4), '60054', '{}',
                    'DRAFT');
        INSERT INTO claim_documents (id, organization_id, claim_id, interchange_control_number, content, content_sha256)
            VALUES (pg_temp.id(c, 19), org, pg_temp.id(c, 18), 1, 'x', encode(sha256('x'), 'hex'));
        INSERT INTO form_tokens (id, organization_id, user_id, token)
            VALUES (pg_temp.id(c, 20), org, pg_temp.id(c, 2), pg_temp.id(c, 21));
        INSERT INTO audit_logs (id, organization_id, user_id, user_email, action, resource_type)
            VALUES (pg_temp.id(c, 22), org, pg_temp.id(c, 2), c || '@sql-suite.example', 'READ', 'patient');
    END LOOP;
    PERFORM pg_temp.work_for(NULL);
END
$$;

-- The referees of units pass what the owner brings in. They have spoken on it before anybody else's turn comes.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS appointment_units_reserved, session_units_settled DEFERRED;
