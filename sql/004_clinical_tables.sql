-- Patients and who pays for them. No ON DELETE anywhere: a clinical record never disappears with its parent.

CREATE TABLE patients (
    id                      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id         uuid NOT NULL REFERENCES organizations (id),
    first_name              text NOT NULL,
    last_name               text NOT NULL,
    date_of_birth           date NOT NULL,
    state                   text NOT NULL,
    primary_diagnosis_code  text,
    guardian_name           text,
    guardian_email          text,
    guardian_phone          text,
    is_active               boolean DEFAULT true,
    created_at              timestamptz DEFAULT now(),
    updated_at              timestamptz DEFAULT now()
);

CREATE TABLE patient_insurance (
    id                        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    patient_id                uuid NOT NULL REFERENCES patients (id),
    payer_name                text NOT NULL,
    payer_id                  text,
    member_id                 text NOT NULL,
    group_number              text,
    plan_name                 text,
    effective_date            date,
    termination_date          date,
    is_active                 boolean DEFAULT true,
    eligibility_verification  jsonb,
    last_verified_at          timestamptz,
    created_at                timestamptz DEFAULT now(),
    updated_at                timestamptz DEFAULT now()
);

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 004';
