-- One clinic neither sees nor touches another's rows, in any table; run by sql/tests/run.sh.
BEGIN;
\ir two_clinics.sql

-- Every table that carries an organisation, and the column that says which.
CREATE TEMPORARY TABLE tenant_tables ON COMMIT DROP AS
    SELECT c.oid::regclass AS name, a.attname AS org,
           coalesce((SELECT u.attname FROM pg_attribute u WHERE u.attrelid = c.oid AND u.attname = 'updated_at'),
                    a.attname) AS harmless
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid
        AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'organization_id' END
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND c.relname <> 'web_sessions'; -- found by the cookie, before an organisation is known
GRANT SELECT ON tenant_tables TO omnirapeutic_app;

DO $$
DECLARE
    t record;
    n integer;
BEGIN
    FOR t IN SELECT * FROM tenant_tables LOOP
        PERFORM pg_temp.work_for(pg_temp.id('b', 1));
        EXECUTE format('SELECT count(*) FROM %s WHERE %I = $1', t.name, t.org) INTO n USING pg_temp.id('b', 1);
        IF n = 0 THEN
            PERFORM pg_temp.fail('%s has no row in two_clinics.sql: this suite would not test it', t.name::text);
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'omnirapeutic_app' AND (rolsuper OR rolbypassrls)) THEN
        PERFORM pg_temp.fail('omnirapeutic_app passes by row security');
    END IF;
END
$$;

SET LOCAL ROLE omnirapeutic_app;
DO $$
BEGIN
    IF current_user <> 'omnirapeutic_app' THEN PERFORM pg_temp.fail('this is not the unprivileged role'); END IF;
END
$$;
\echo '  ok  every tenant table is under test, as omnirapeutic_app'

DO $$
DECLARE
    t record;
    own integer;
    others integer;
BEGIN
    FOR t IN SELECT * FROM tenant_tables LOOP
        PERFORM pg_temp.work_for(pg_temp.id('a', 1));
        EXECUTE format('SELECT count(*) FILTER (WHERE %1$I = $1), count(*) FILTER (WHERE %1$I IS DISTINCT FROM $1)'
                       ' FROM %2$s', t.org, t.name)
            INTO own, others USING pg_temp.id('a', 1);
        IF own = 0 OR others > 0 THEN
            PERFORM pg_temp.fail('%s: in context, %s own rows and %s of others are seen', t.name::text, own::text,
                                 others::text);
        END IF;
        PERFORM pg_temp.work_for(NULL);
        EXECUTE format('SELECT count(*) FROM %s', t.name) INTO others;
        IF others > 0 THEN PERFORM pg_temp.fail('%s: %s rows are seen without a context', t.name::text, others::text); END IF;
        PERFORM pg_temp.work_for(gen_random_uuid());
        EXECUTE format('SELECT count(*) FROM %s', t.name) INTO others;
        IF others > 0 THEN PERFORM pg_temp.fail('%s: a stranger sees %s rows', t.name::text, others::text); END IF;
        PERFORM set_config('app.current_org_id', '', true), set_config('app.current_user_id', pg_temp.id('a', 2)::text, true);
        EXECUTE format('SELECT count(*) FILTER (WHERE %1$I = $1), count(*) FILTER (WHERE %1$I IS DISTINCT FROM $1)'
                       ' FROM %2$s', t.org, t.name)
            INTO own, others USING pg_temp.id('a', 1);
        IF own = 0 OR others > 0 THEN
            PERFORM pg_temp.fail('%s: with the user alone, %s own rows and %s of others are seen', t.name::text,
                                 own::text, others::text);
        END IF;
    END LOOP;
END
$$;
\echo '  ok  a clinic sees its own rows only; nobody sees any without a context'

DO $$
DECLARE
    t record;
    n integer;
    verb text;
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    FOR t IN SELECT * FROM tenant_tables LOOP
        FOREACH verb IN ARRAY ARRAY['UPDATE %1$s SET %3$I = %3$I WHERE %2$I = %4$L',
                                    'UPDATE %1$s SET %3$I = %3$I WHERE %2$I <> %5$L',
                                    'DELETE FROM %1$s WHERE %2$I = %4$L'] LOOP
            BEGIN
                EXECUTE format(verb, t.name, t.org, t.harmless, pg_temp.id('b', 1), pg_temp.id('a', 1));
                GET DIAGNOSTICS n = ROW_COUNT;
                IF n > 0 THEN PERFORM pg_temp.fail('%s: %s rows of another clinic were written', t.name::text, n::text); END IF;
            EXCEPTION WHEN insufficient_privilege THEN
                NULL; -- not even the right to try
            END;
        END LOOP;
    END LOOP;
END
$$;
\echo '  ok  another clinic''s rows can be neither changed nor deleted'

DO $$
DECLARE
    t record;
    n integer;
    writable text;
    said text;
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    FOR t IN SELECT * FROM tenant_tables LOOP
        -- A copy of an own row that says it is clinic b's: the wall must speak before any key does.
        SELECT string_agg(quote_ident(attname), ', ') INTO writable FROM pg_attribute
            WHERE attrelid = t.name AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                AND has_column_privilege(attrelid, attnum, 'INSERT');
        CONTINUE WHEN writable IS NULL;
        BEGIN
            EXECUTE format(
                'INSERT INTO %1$s (%2$s) SELECT %2$s FROM (SELECT (jsonb_populate_record(NULL::%1$s, to_jsonb(x) || %3$L)).*'
                ' FROM %1$s x LIMIT 1) y',
                t.name, writable, jsonb_build_object('id', gen_random_uuid(), t.org, pg_temp.id('b', 1)));
            PERFORM pg_temp.fail('%s: a row of another clinic was inserted', t.name::text);
        EXCEPTION WHEN insufficient_privilege THEN
            GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
            IF said NOT LIKE '%row-level security%' THEN PERFORM pg_temp.fail('%s: %s', t.name::text, said); END IF;
        END;
        CONTINUE WHEN NOT has_column_privilege(t.name, t.org, 'UPDATE');
        BEGIN
            EXECUTE format('UPDATE %s SET %I = %L', t.name, t.org, pg_temp.id('b', 1));
            GET DIAGNOSTICS n = ROW_COUNT;
            IF n > 0 THEN PERFORM pg_temp.fail('%s: %s rows were moved to another clinic', t.name::text, n::text); END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;
        END;
    END LOOP;
END
$$;
\echo '  ok  nothing can be written into another clinic'

DO $$
DECLARE
    absent jsonb;
    foreign_one jsonb;
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    absent := app.reserve_session_units('00000000-0000-4000-8000-00000000dead'::uuid, 1);
    foreign_one := app.reserve_session_units(pg_temp.id('b', 7), 1);
    IF absent <> foreign_one OR absent ->> 'error' <> 'AUTH_NOT_FOUND' THEN
        PERFORM pg_temp.fail('reserving another clinic''s units: %s, an absent one''s: %s', foreign_one::text, absent::text);
    END IF;
    IF app.release_session_units(pg_temp.id('b', 8), 'k') ->> 'units_released' <> '0'
        OR app.settle_session_units(pg_temp.id('b', 13), 1) ->> 'error' <> 'SESSION_NOT_FOUND'
        OR app.adjust_authorization_units(pg_temp.id('b', 7), 1) ->> 'error' <> 'AUTH_NOT_FOUND'
        OR app.check_scheduling_conflict(pg_temp.id('b', 3), pg_temp.id('b', 4), current_date + time '10:00',
                                         current_date + time '12:00')
    THEN
        PERFORM pg_temp.fail('a function of schema app reaches into another clinic');
    END IF;
    PERFORM pg_temp.work_for(pg_temp.id('b', 1));
    IF (SELECT used_units FROM authorizations WHERE id = pg_temp.id('b', 7)) <> 8 THEN
        PERFORM pg_temp.fail('another clinic''s units were moved');
    END IF;
END
$$;
\echo '  ok  the functions of schema app stay inside the clinic'

RESET ROLE;
-- Foreign keys ignore row security. As the owner, because the application may not change every one of these columns.
DO $$
DECLARE
    k record;
    parent uuid;
    absent_said text;
    foreign_said text;
    n integer := 0;
BEGIN
    FOR k IN
        SELECT f.conrelid::regclass AS child, f.confrelid::regclass AS parent, c.attname AS column, f.conname
        FROM pg_constraint f
        JOIN tenant_tables child ON child.name = f.conrelid JOIN tenant_tables parent ON parent.name = f.confrelid
        JOIN pg_attribute c ON c.attrelid = f.conrelid AND c.attnum = f.conkey[cardinality(f.conkey)]
        WHERE f.contype = 'f' AND f.confrelid <> 'organizations'::regclass AND f.conrelid <> 'audit_logs'::regclass
    LOOP
        PERFORM pg_temp.work_for(pg_temp.id('b', 1));
        EXECUTE format('SELECT id FROM %s LIMIT 1', k.parent) INTO parent;
        PERFORM pg_temp.work_for(pg_temp.id('a', 1));
        FOR i IN 1..2 LOOP
            BEGIN
                EXECUTE format('UPDATE %s SET %I = %L', k.child, k.column,
                               CASE i WHEN 1 THEN parent ELSE '00000000-0000-4000-8000-00000000dead' END);
                PERFORM pg_temp.fail('%s.%s points at a row of another clinic', k.child::text, k.column::text);
            EXCEPTION WHEN foreign_key_violation THEN
                IF i = 1 THEN foreign_said := SQLERRM; ELSE absent_said := SQLERRM; END IF;
            END;
        END LOOP;
        IF absent_said <> foreign_said THEN
            PERFORM pg_temp.fail('%s tells another clinic''s row from none: %s', k.conname::text, foreign_said);
        END IF;
        n := n + 1;
    END LOOP;
    IF n < 25 THEN PERFORM pg_temp.fail('only %s keys were tried', n::text); END IF;
END
$$;
\echo '  ok  no key points across the wall, and none tells what is behind it'

ROLLBACK;
