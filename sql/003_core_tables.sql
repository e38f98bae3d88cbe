-- Clinics and the people who work in them. An organization is the tenant: every other row belongs to one.

CREATE TABLE organizations (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name        text NOT NULL,
    tax_id      text UNIQUE,
    npi         text,
    created_at  timestamptz DEFAULT now(),
    updated_at  timestamptz DEFAULT now()
);

CREATE TABLE users (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id  uuid NOT NULL REFERENCES organizations (id),
    email            text NOT NULL UNIQUE,
    password_hash    text NOT NULL,
    full_name        text NOT NULL,
    role             text NOT NULL
        CONSTRAINT users_role_check CHECK (role IN ('SUPER_ADMIN', 'ADMIN', 'BCBA', 'RBT', 'BILLER')),
    npi              text,
    credentials      jsonb,
    is_active        boolean DEFAULT true,
    last_login_at    timestamptz,
    created_at       timestamptz DEFAULT now(),
    updated_at       timestamptz DEFAULT now()
);

-- What makes a user somebody who can deliver a service: license and credentials.
CREATE TABLE staff_members (
    id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id             uuid NOT NULL REFERENCES users (id),
    organization_id     uuid NOT NULL REFERENCES organizations (id),
    npi                 text,
    license_number      text,
    license_state       text,
    license_expiration  date,
    credentials         jsonb,
    is_active           boolean DEFAULT true,
    created_at          timestamptz DEFAULT now(),
    updated_at          timestamptz DEFAULT now()
);

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 003';
