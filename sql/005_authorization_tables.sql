-- What a payer allows: so many units of one service between two dates, both included.
-- used_units means committed: reserved and delivered. app.reserve_session_units (011) is what raises it;
-- positive_balance is the back-stop should anything else try.

CREATE TABLE authorizations (
    id                    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    patient_id            uuid NOT NULL REFERENCES patients (id),
    insurance_id          uuid REFERENCES patient_insurance (id),
    service_code          text NOT NULL,
    total_units           integer NOT NULL
        CONSTRAINT authorizations_total_units_check CHECK (total_units > 0),
    used_units            integer DEFAULT 0
        CONSTRAINT authorizations_used_units_check CHECK (used_units >= 0),
    start_date            date NOT NULL,
    end_date              date NOT NULL,
    status                text NOT NULL
        CONSTRAINT authorizations_status_check CHECK (status IN ('ACTIVE', 'EXPIRED', 'EXHAUSTED', 'CANCELLED')),
    authorization_number  text,
    created_at            timestamptz DEFAULT now(),
    updated_at            timestamptz DEFAULT now(),
    CONSTRAINT positive_balance CHECK (total_units >= used_units),
    CONSTRAINT valid_date_range CHECK (end_date >= start_date)
);

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 005';
