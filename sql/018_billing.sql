-- Billing: rates of the clinic, what a claim is about, and the documents that were made of it.

CREATE TABLE service_rates (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    -- NULL: the clinic's own rate, for every payer that has none.
    payer_id uuid,
    service_code text NOT NULL,
    modifiers text[] NOT NULL DEFAULT '{}',
    -- US dollars per unit.
    rate numeric(10, 2) NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT service_rates_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT service_rates_rate_check CHECK (rate > 0),
    CONSTRAINT service_rates_dates_check CHECK (ends_on >= starts_on),
    CONSTRAINT service_rates_modifiers_check CHECK (cardinality(modifiers) <= 4),
    CONSTRAINT service_rates_payer_fkey
        FOREIGN KEY (organization_id, payer_id) REFERENCES payers (organization_id, id) ON DELETE RESTRICT,
    -- One rate holds on one day.
    CONSTRAINT service_rates_one_at_a_time EXCLUDE USING gist (
        organization_id WITH =, (coalesce(payer_id, '00000000-0000-0000-0000-000000000000'::uuid)) WITH =,
        service_code WITH =, daterange(starts_on, ends_on, '[]') WITH &&
    )
);
CALL app.wall_tenant_table('service_rates');
GRANT SELECT, INSERT, UPDATE ON service_rates TO omnirapeutic_app;

ALTER TABLE claims
    ADD COLUMN patient_id uuid,
    ADD COLUMN service_date date,
    ADD CONSTRAINT claims_patient_fkey
        FOREIGN KEY (organization_id, patient_id) REFERENCES patients (organization_id, id) ON DELETE RESTRICT;
CREATE INDEX claims_tenant_created_idx ON claims (organization_id, created_at, id);
-- One click twice is one claim: a session has at most one that is not rejected or denied.
CREATE UNIQUE INDEX claims_one_open_per_session ON claims (organization_id, session_id)
    WHERE session_id IS NOT NULL AND status NOT IN ('REJECTED', 'DENIED');

-- The exact bytes that were made for a payer, never changed.
CREATE TABLE claim_documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    claim_id uuid NOT NULL,
    kind text NOT NULL DEFAULT '837P',
    interchange_control_number bigint NOT NULL,
    content bytea NOT NULL,
    content_sha256 text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT claim_documents_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT claim_documents_control_number_key UNIQUE (organization_id, interchange_control_number),
    CONSTRAINT claim_documents_kind_check CHECK (kind IN ('837P')),
    CONSTRAINT claim_documents_hash_check CHECK (content_sha256 = encode(sha256(content), 'hex')),
    CONSTRAINT claim_documents_claim_fkey
        FOREIGN KEY (organization_id, claim_id) REFERENCES claims (organization_id, id) ON DELETE RESTRICT
);
CREATE INDEX claim_documents_tenant_claim_idx ON claim_documents (organization_id, claim_id);
CALL app.wall_tenant_table('claim_documents');
GRANT SELECT, INSERT ON claim_documents TO omnirapeutic_app;

-- ISA13: nine digits, never given twice. A sequence does not roll back, so a failed attempt leaves a gap, not a twin.
CREATE SEQUENCE interchange_control_numbers MINVALUE 1 MAXVALUE 999999999 NO CYCLE;
GRANT USAGE ON SEQUENCE interchange_control_numbers TO omnirapeutic_app;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 018';
