-- The two extensions of the original deployment, for scripts that still call uuid_generate_v4() or digest().
-- Nothing here depends on them: gen_random_uuid() and sha256() are in the core. So a server that does not
-- offer them is no error.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['uuid-ossp', 'pgcrypto'] LOOP
        IF EXISTS (SELECT FROM pg_available_extensions WHERE name = wanted) THEN
            EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA public', wanted);
        ELSE
            RAISE NOTICE 'extension % is not offered by this server; continuing without it', wanted;
        END IF;
    END LOOP;
END
$$;
