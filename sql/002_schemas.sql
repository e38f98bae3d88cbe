-- Schema app holds the helper functions; the tables live in public.
-- Its comment is the marker: it says how far this database has been deployed.
CREATE SCHEMA app;

-- The role of the web application and its workers. It owns nothing and is granted every right by name,
-- because row security does not bind a table's owner, a superuser or a role with BYPASSRLS.
-- It cannot log in: the administrator makes a login role a member of it, or gives it LOGIN and a password.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'omnirapeutic_app') THEN
        BEGIN
            CREATE ROLE omnirapeutic_app NOLOGIN;
        EXCEPTION
            -- Roles belong to the whole cluster: another database's deployment may have made it just now.
            WHEN duplicate_object OR unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role omnirapeutic_app does not exist and % may not create it', current_user
                    USING ERRCODE = 'insufficient_privilege',
                          HINT = 'Have the administrator run CREATE ROLE omnirapeutic_app NOLOGIN, then run this again.';
        END;
    END IF;

    IF EXISTS (SELECT FROM pg_roles
               WHERE rolname = 'omnirapeutic_app' AND (rolsuper OR rolbypassrls))
       OR pg_has_role('omnirapeutic_app', current_user, 'MEMBER') THEN
        RAISE EXCEPTION 'role omnirapeutic_app could pass by row security'
            USING HINT = 'It must not be a superuser, have BYPASSRLS, or be (a member of) the role that owns the tables.';
    END IF;
END
$$;

REVOKE ALL ON SCHEMA public, app FROM PUBLIC;
GRANT USAGE ON SCHEMA public, app TO omnirapeutic_app;

-- A GRANT by someone who does not own schema public is only a warning. Better to stop here than at the
-- first page of the application.
DO $$
BEGIN
    IF NOT has_schema_privilege('omnirapeutic_app', 'public', 'USAGE') THEN
        RAISE EXCEPTION 'role omnirapeutic_app has no USAGE on schema public and % may not grant it', current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Have the owner of schema public run GRANT USAGE ON SCHEMA public TO omnirapeutic_app.';
    END IF;
END
$$;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 002';
