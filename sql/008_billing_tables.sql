-- What is asked of the payer (edi_payload) and what it answered (response_payload).

CREATE TABLE claims (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id        uuid REFERENCES sessions (id),
    authorization_id  uuid REFERENCES authorizations (id),
    payer_id          text NOT NULL,
    claim_number      text UNIQUE,
    edi_payload       jsonb NOT NULL,
    status            text NOT NULL
        CONSTRAINT claims_status_check
        CHECK (status IN ('DRAFT', 'SUBMITTED', 'ACCEPTED', 'REJECTED', 'PAID', 'DENIED')),
    submitted_at      timestamptz,
    response_payload  jsonb,
    rejection_reason  text,
    billed_amount     numeric(10, 2),
    paid_amount       numeric(10, 2),
    payment_date      date,
    created_at        timestamptz DEFAULT now(),
    updated_at        timestamptz DEFAULT now()
);

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 008';
