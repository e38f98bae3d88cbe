-- What the web application needs of its own: web sessions, form tokens, and the look-ups before a context is known.

GRANT omnirapeutic_definer TO CURRENT_USER;
GRANT CREATE ON SCHEMA app TO omnirapeutic_definer;

-- Not a tenant table: it is read by the cookie, before an organisation is known. It holds no patient data, and the
-- cookie's key only as a hash, so that reading the table signs nobody in.
CREATE TABLE web_sessions (
    session_key_sha256 text PRIMARY KEY,
    session_data text NOT NULL,
    expire_date timestamptz NOT NULL,
    user_id uuid REFERENCES users (id) ON DELETE CASCADE,
    -- The organisation the person acts in: the own one, or for a super admin the one that was chosen.
    organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX web_sessions_expire_date_idx ON web_sessions (expire_date);
CREATE INDEX web_sessions_user_idx ON web_sessions (user_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON web_sessions TO omnirapeutic_app;
GRANT SELECT ON web_sessions TO omnirapeutic_definer;

-- One row per submitted form: the second submission of the same form finds the first one's result.
CREATE TABLE form_tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    user_id uuid NOT NULL,
    token uuid NOT NULL,
    result_url text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT form_tokens_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT form_tokens_once UNIQUE (organization_id, user_id, token)
);
CALL app.wall_tenant_table('form_tokens');
GRANT SELECT, INSERT, UPDATE, DELETE ON form_tokens TO omnirapeutic_app;

-- Resumes a signed-in request in one statement: finds the session by its key's hash, sets both variables for this
-- transaction, and answers who it is. No row for an unknown or expired session or a person who was switched off.
CREATE FUNCTION app.resume_web_session(p_session_key_sha256 text) RETURNS TABLE (
    session_data text, expire_date timestamptz, user_id uuid, organization_id uuid, home_organization_id uuid,
    email text, full_name text, role text, staff_member_id uuid, organization_name text, time_zone text
)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    RETURN QUERY
        SELECT w.session_data, w.expire_date, w.user_id, w.organization_id, u.organization_id, u.email, u.full_name,
               u.role, s.id, o.name, o.time_zone
        FROM web_sessions w
        LEFT JOIN users u ON u.id = w.user_id
        LEFT JOIN organizations o ON o.id = w.organization_id
        LEFT JOIN staff_members s ON s.user_id = w.user_id AND s.organization_id = w.organization_id AND s.is_active
        WHERE w.session_key_sha256 = p_session_key_sha256 AND w.expire_date > now()
            AND (w.user_id IS NULL OR u.is_active AND o.is_active
                 AND (w.organization_id = u.organization_id OR u.role = 'SUPER_ADMIN'));
    IF FOUND THEN
        PERFORM set_config('app.current_user_id', coalesce(w.user_id::text, ''), true),
                set_config('app.current_org_id', coalesce(w.organization_id::text, ''), true)
        FROM web_sessions w WHERE w.session_key_sha256 = p_session_key_sha256;
    END IF;
END
$$;

-- Sign-in knows an email and nothing else: this is the one look-up across organisations that it may make.
CREATE FUNCTION app.find_sign_in(p_email text) RETURNS TABLE (
    user_id uuid, organization_id uuid, password_hash text, is_active boolean
)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
    SELECT u.id, u.organization_id, u.password_hash, u.is_active AND o.is_active
    FROM public.users u JOIN public.organizations o ON o.id = u.organization_id
    WHERE lower(u.email) = lower(p_email)
$$;

-- The organisations the background worker visits, one context each.
CREATE FUNCTION app.worker_organizations() RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
    SELECT o.id FROM public.organizations o WHERE o.is_active ORDER BY o.id
$$;

-- The organisations a super admin may act in; empty for everybody else.
CREATE FUNCTION app.super_admin_organizations() RETURNS TABLE (organization_id uuid, name text, is_active boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
    SELECT o.id, o.name, o.is_active FROM public.organizations o
    WHERE app.is_super_admin() ORDER BY o.name, o.id
$$;

-- A refused sign-in by an address that nobody has belongs to no organisation, which the policies rightly refuse to
-- the application. The row says that it happened and from where, not which address was tried.
CREATE FUNCTION app.record_unknown_sign_in(p_ip_address inet, p_user_agent text, p_request_id text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
    INSERT INTO public.audit_logs (user_email, action, resource_type, ip_address, user_agent, request_id)
    VALUES ('', 'SIGN_IN_REFUSED', 'web_session', p_ip_address, left(p_user_agent, 300), p_request_id)
$$;
GRANT INSERT ON audit_logs TO omnirapeutic_definer;
CREATE POLICY definer_unknown_sign_in ON audit_logs FOR INSERT TO omnirapeutic_definer
    WITH CHECK (organization_id IS NULL AND action = 'SIGN_IN_REFUSED');

ALTER FUNCTION app.resume_web_session(text) OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.find_sign_in(text) OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.worker_organizations() OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.super_admin_organizations() OWNER TO omnirapeutic_definer;
ALTER FUNCTION app.record_unknown_sign_in(inet, text, text) OWNER TO omnirapeutic_definer;
REVOKE ALL ON FUNCTION
    app.resume_web_session(text), app.find_sign_in(text), app.worker_organizations(), app.super_admin_organizations(),
    app.record_unknown_sign_in(inet, text, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    app.resume_web_session(text), app.find_sign_in(text), app.worker_organizations(), app.super_admin_organizations(),
    app.record_unknown_sign_in(inet, text, text)
    TO omnirapeutic_app;
GRANT EXECUTE ON FUNCTION app.is_super_admin() TO omnirapeutic_definer;

REVOKE CREATE ON SCHEMA app FROM omnirapeutic_definer;
REVOKE omnirapeutic_definer FROM CURRENT_USER;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 019';
