-- The audit trail, and all that is append-only, is written once and never changed; run by sql/tests/run.sh.
BEGIN;
\ir two_clinics.sql

SET LOCAL ROLE omnirapeutic_app;
DO $$
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    INSERT INTO audit_logs (organization_id, user_email, action, resource_type)
        VALUES (pg_temp.id('a', 1), 'a@sql-suite.example', 'READ', 'patient');
    IF (SELECT count(*) FROM audit_logs) <> 2 THEN PERFORM pg_temp.fail('the application cannot append and read'); END IF;
    BEGIN
        INSERT INTO audit_logs (organization_id, user_email, action, resource_type)
            VALUES (pg_temp.id('b', 1), 'a@sql-suite.example', 'READ', 'patient');
        PERFORM pg_temp.fail('a row was appended to another clinic''s trail');
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    BEGIN
        INSERT INTO audit_logs (user_email, action, resource_type) VALUES ('', 'READ', 'patient');
        PERFORM pg_temp.fail('a row of no clinic was appended');
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
END
$$;
\echo '  ok  the application appends to its clinic''s trail and to no other'

DO $$
DECLARE
    statement text;
    appended text;
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    FOREACH appended IN ARRAY ARRAY['audit_logs', 'session_events', 'authorization_unit_ledger', 'note_signatures',
                                    'claim_documents'] LOOP
        FOREACH statement IN ARRAY ARRAY['UPDATE %I SET created_at = created_at', 'DELETE FROM %I', 'TRUNCATE %I CASCADE'] LOOP
            BEGIN
                EXECUTE format(statement, appended);
                PERFORM pg_temp.fail('the application may: %s', format(statement, appended));
            EXCEPTION WHEN insufficient_privilege THEN NULL;
            END;
        END LOOP;
    END LOOP;
END
$$;
\echo '  ok  the application may not change, delete or truncate what is append-only'

RESET ROLE;
SET LOCAL ROLE omnirapeutic_auditor;
DO $$
DECLARE
    statement text;
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    IF (SELECT count(*) FROM audit_logs) <> 2 THEN PERFORM pg_temp.fail('the auditor does not read the clinic''s trail'); END IF;
    PERFORM pg_temp.work_for(NULL);
    IF (SELECT count(*) FROM audit_logs) <> 0 THEN PERFORM pg_temp.fail('the auditor reads without a context'); END IF;
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    FOREACH statement IN ARRAY ARRAY[
        'UPDATE audit_logs SET action = action', 'DELETE FROM audit_logs', 'TRUNCATE audit_logs',
        'INSERT INTO audit_logs (organization_id, user_email, action, resource_type)
         SELECT app.org_id(), '''', ''READ'', ''patient''',
        'SELECT FROM patients'] LOOP
        BEGIN
            EXECUTE statement;
            PERFORM pg_temp.fail('the auditor may: %s', statement);
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END LOOP;
END
$$;
\echo '  ok  the auditor reads the trail of the clinic in context, and nothing else'

-- The second lock: should the rights ever be given by mistake, the policies still refuse.
RESET ROLE;
GRANT UPDATE, DELETE ON audit_logs TO omnirapeutic_app;
SET LOCAL ROLE omnirapeutic_app;
DO $$
DECLARE
    n integer;
BEGIN
    PERFORM pg_temp.work_for(pg_temp.id('a', 1));
    UPDATE audit_logs SET action = 'CHANGED';
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n > 0 THEN PERFORM pg_temp.fail('with the right, %s audit rows were changed', n::text); END IF;
    DELETE FROM audit_logs;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n > 0 THEN PERFORM pg_temp.fail('with the right, %s audit rows were deleted', n::text); END IF;
END
$$;
RESET ROLE;
REVOKE UPDATE, DELETE ON audit_logs FROM omnirapeutic_app;
\echo '  ok  with rights given by mistake, the policies still refuse'

DO $$
DECLARE
    n integer;
    able record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper) THEN -- whom no policy binds
        PERFORM pg_temp.work_for(pg_temp.id('a', 1));
        UPDATE audit_logs SET action = 'CHANGED';
        GET DIAGNOSTICS n = ROW_COUNT;
        IF n > 0 THEN PERFORM pg_temp.fail('the owner changed %s audit rows', n::text); END IF;
        DELETE FROM audit_logs;
        GET DIAGNOSTICS n = ROW_COUNT;
        IF n > 0 THEN PERFORM pg_temp.fail('the owner deleted %s audit rows', n::text); END IF;
    END IF;
    FOR able IN
        SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END AS who, g.privilege_type AS what
        FROM pg_class c CROSS JOIN aclexplode(c.relacl) g
        WHERE c.oid = 'audit_logs'::regclass AND g.grantee <> c.relowner
            AND g.privilege_type NOT IN ('SELECT', 'INSERT')
    LOOP
        PERFORM pg_temp.fail('%s has %s on audit_logs', able.who, able.what);
    END LOOP;
END
$$;
\echo '  ok  nobody but the owner has a right to change it, and the policies bind the owner too'

ROLLBACK;
