-- Who did what to which record. Append-only, so there is no updated_at.
-- user_email is a copy: the row must still name its actor when the user's address has changed.

CREATE TABLE audit_logs (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "timestamp"      timestamptz NOT NULL DEFAULT now(),
    user_id          uuid REFERENCES users (id),
    user_email       text NOT NULL,
    organization_id  uuid REFERENCES organizations (id),
    action           text NOT NULL,
    resource_type    text NOT NULL,
    resource_id      uuid,
    ip_address       inet,
    user_agent       text,
    request_id       text,
    details          jsonb,
    created_at       timestamptz DEFAULT now()
);

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 009';
