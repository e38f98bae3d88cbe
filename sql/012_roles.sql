-- Roles beside the web application's own (002 made omnirapeutic_app).
--
--   omnirapeutic_definer  nobody signs in as it. It owns the few functions that must see past a caller's rights:
--                         the look-ups before an organisation is known, and the unit ledger, whose counters no
--                         other role may write. It has no BYPASSRLS; what it may read is listed policy by policy.
--   omnirapeutic_auditor  reads the audit trail of the organisation in context, and nothing else.
--
-- omnirapeutic_backup, the only role that may have BYPASSRLS, is made by the cluster's administrator.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['omnirapeutic_definer', 'omnirapeutic_auditor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this cluster was being deployed at the same moment
            END;
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public, app TO omnirapeutic_definer, omnirapeutic_auditor;

-- A request that waits this long is broken; the limits live on the role so that they hold through PgBouncer too.
DO $$
BEGIN
    ALTER ROLE omnirapeutic_app SET statement_timeout = '10s';
    ALTER ROLE omnirapeutic_app SET lock_timeout = '3s';
    ALTER ROLE omnirapeutic_app SET idle_in_transaction_session_timeout = '15s';
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'The time limits of omnirapeutic_app were not set: the cluster''s administrator must run ALTER ROLE.';
END
$$;

CREATE EXTENSION IF NOT EXISTS btree_gist;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 012';
