-- Units are reserved once, never beyond the authorization, and the ledger says the same as the counter; run by
-- sql/tests/run.sh, which besides races several sessions for the same units.
BEGIN;
\ir two_clinics.sql

CREATE FUNCTION pg_temp.expect(answer jsonb, wanted jsonb, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF answer IS NULL OR NOT answer @> wanted THEN
        PERFORM pg_temp.fail('%s: wanted %s, got %s', what, wanted::text, coalesce(answer::text, 'NULL'));
    END IF;
END
$$;

-- One authorization for each reason to refuse. Units of 101: none used yet.
DO $$
DECLARE
    n integer := 100;
    v record;
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    FOR v IN
        SELECT * FROM (VALUES
            (1, 'ACTIVE', -10, 10, 20, NULL::integer), (2, 'ACTIVE', -10, -1, 20, NULL), (3, 'ACTIVE', 1, 10, 20, NULL),
            (4, 'CANCELLED', -10, 10, 20, NULL), (5, 'PENDING', -10, 10, 20, NULL), (6, 'EXPIRED', -10, 10, 20, NULL),
            (7, 'ACTIVE', -10, 10, 20, 6)
        ) AS a (number, status, first_day, last_day, units, per_day)
    LOOP
        INSERT INTO authorizations (id, organization_id, patient_id, service_code, total_units, start_date, end_date,
                                    status, units_per_day)
        VALUES (pg_temp.id('a', n + v.number), pg_temp.id('a', 1), pg_temp.id('a', 4), '97153', v.units,
                current_date + v.first_day, current_date + v.last_day, v.status, v.per_day);
    END LOOP;
END
$$;

SET LOCAL ROLE omnirapeutic_app;
DO $$
DECLARE
    free uuid := pg_temp.id('a', 101);
BEGIN
    PERFORM pg_temp.work_for(NULL);
    PERFORM pg_temp.expect(app.reserve_session_units(free, 1), '{"error": "UNAUTHORIZED"}', 'no context');
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    PERFORM pg_temp.expect(app.reserve_session_units(free, 0), '{"error": "INVALID_UNITS"}', 'no units');
    PERFORM pg_temp.expect(app.reserve_session_units(free, -3), '{"error": "INVALID_UNITS"}', 'units below zero');
    PERFORM pg_temp.expect(app.reserve_session_units(pg_temp.id('a', 999), 1), '{"error": "AUTH_NOT_FOUND"}', 'absent');
    PERFORM pg_temp.expect(app.reserve_session_units(pg_temp.id('a', 102), 1, current_date, NULL, 'k2'),
                           '{"error": "AUTH_EXPIRED"}', 'ended yesterday');
    PERFORM pg_temp.expect(app.reserve_session_units(pg_temp.id('a', 103), 1, current_date, NULL, 'k3'),
                           '{"error": "AUTH_NOT_STARTED"}', 'starts tomorrow');
    PERFORM pg_temp.expect(app.reserve_session_units(pg_temp.id('a', 104), 1), '{"error": "AUTH_CANCELLED"}', 'cancelled');
    PERFORM pg_temp.expect(app.reserve_session_units(pg_temp.id('a', 105), 1), '{"error": "AUTH_PENDING"}', 'pending');
    PERFORM pg_temp.expect(app.reserve_session_units(pg_temp.id('a', 106), 1), '{"error": "AUTH_EXPIRED"}', 'expired');
    PERFORM pg_temp.expect(app.reserve_session_units(pg_temp.id('a', 107), 7), '{"error": "CAP_EXCEEDED", "available": 6}',
                           'beyond the cap of a day');
    PERFORM pg_temp.expect(app.reserve_session_units(free, 21),
                           '{"error": "INSUFFICIENT_UNITS", "available": 20, "requested": 21}', 'more than there are');
    IF (SELECT sum(used_units) FROM authorizations WHERE id <> pg_temp.id('a', 7)) <> 0 THEN
        PERFORM pg_temp.fail('a refused reservation took units');
    END IF;
END
$$;
\echo '  ok  what must be refused is refused, with its code, and takes nothing'

DO $$
DECLARE
    free uuid := pg_temp.id('a', 101);
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    PERFORM pg_temp.expect(app.reserve_session_units(free, 3), '{"success": true, "remaining_units": 17}', 'three of twenty');
    PERFORM pg_temp.expect(app.reserve_session_units(free, 2, current_date + 5, NULL, 'once'),
                           '{"success": true, "units_reserved": 2, "remaining_units": 15}', 'two for a date');
    PERFORM pg_temp.expect(app.reserve_session_units(free, 2, current_date + 5, NULL, 'once'),
                           '{"success": true, "replayed": true, "remaining_units": 15}', 'the same key again');
    PERFORM pg_temp.expect(app.reserve_session_units(free, 4, current_date + 5, NULL, 'once'),
                           '{"success": false, "error": "KEY_REUSED"}', 'the same key for something else');
    PERFORM pg_temp.expect(app.reserve_session_units(free, 15), '{"success": true, "remaining_units": 0}', 'the rest');
    IF (SELECT status FROM authorizations WHERE id = free) <> 'EXHAUSTED' THEN
        PERFORM pg_temp.fail('the last unit does not exhaust');
    END IF;
    PERFORM pg_temp.expect(app.reserve_session_units(free, 1), '{"error": "AUTH_EXHAUSTED"}', 'none left');
    PERFORM pg_temp.expect(app.adjust_authorization_units(free, -5), '{"success": true, "remaining_units": 5}', 'five back');
    IF (SELECT status FROM authorizations WHERE id = free) <> 'ACTIVE' THEN
        PERFORM pg_temp.fail('units given back do not make it active again');
    END IF;
    IF EXISTS (
        SELECT FROM authorizations z
        LEFT JOIN (SELECT authorization_id, sum(reserved_change + delivered_change) AS used,
                          sum(delivered_change) AS delivered
                   FROM authorization_unit_ledger GROUP BY 1) l ON l.authorization_id = z.id
        WHERE z.used_units <> coalesce(l.used, 0) OR z.delivered_units <> coalesce(l.delivered, 0)
    ) THEN
        PERFORM pg_temp.fail('the counters are not the ledger''s sums');
    END IF;
END
$$;
\echo '  ok  units are reserved once for a key, down to the last; counters and ledger agree'

DO $$
DECLARE
    statement text;
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    FOREACH statement IN ARRAY ARRAY[
        'UPDATE authorizations SET used_units = 0', 'UPDATE authorizations SET delivered_units = 0',
        'INSERT INTO authorization_unit_ledger (organization_id, authorization_id, kind, service_date, idempotency_key)
         SELECT organization_id, id, ''ADJUST'', current_date, ''forged'' FROM authorizations LIMIT 1',
        'UPDATE authorization_unit_ledger SET reserved_change = 0', 'DELETE FROM authorization_unit_ledger'] LOOP
        BEGIN
            EXECUTE statement;
            PERFORM pg_temp.fail('the application may: %s', statement);
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END LOOP;
END
$$;
\echo '  ok  the application writes neither the counters nor the ledger'

DO $$
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    BEGIN
        INSERT INTO appointments (organization_id, patient_id, authorization_id, service_code, start_time, end_time,
                                  status, expected_units)
        VALUES (pg_temp.id('a', 1), pg_temp.id('a', 4), pg_temp.id('a', 7), '97153', now() + interval '2 days',
                now() + interval '2 days 1 hour', 'SCHEDULED', 4);
        SET CONSTRAINTS ALL IMMEDIATE;
        PERFORM pg_temp.fail('a booking without its reservation was accepted');
    EXCEPTION WHEN check_violation THEN
        NULL;
    END;
    SET CONSTRAINTS appointment_units_reserved DEFERRED;
    INSERT INTO appointments (id, organization_id, patient_id, authorization_id, service_code, start_time, end_time,
                              status, expected_units)
    VALUES (pg_temp.id('a', 201), pg_temp.id('a', 1), pg_temp.id('a', 4), pg_temp.id('a', 7), '97153',
            now() + interval '2 days', now() + interval '2 days 1 hour', 'SCHEDULED', 4);
    PERFORM pg_temp.expect(
        app.reserve_session_units(pg_temp.id('a', 7), 4, app.clinic_date(now() + interval '2 days'),
                                  pg_temp.id('a', 201), 'book'),
        '{"success": true, "remaining_units": 28}', 'a booking with its reservation');
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS appointment_units_reserved DEFERRED;
    UPDATE appointments SET status = 'CANCELLED' WHERE id = pg_temp.id('a', 201);
    PERFORM pg_temp.expect(app.release_session_units(pg_temp.id('a', 201), 'cancel'), '{"units_released": 4}', 'cancelled');
    PERFORM pg_temp.expect(app.release_session_units(pg_temp.id('a', 201), 'again'), '{"units_released": 0}', 'again');
    SET CONSTRAINTS ALL IMMEDIATE;
END
$$;
\echo '  ok  a booking stands with its reservation or not at all, and gives it back once'

ROLLBACK;
