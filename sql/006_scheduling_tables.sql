-- What is planned. recurrence_rule is an RFC 5545 RRULE.

CREATE TABLE appointments (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id   uuid NOT NULL REFERENCES organizations (id),
    patient_id        uuid NOT NULL REFERENCES patients (id),
    provider_id       uuid REFERENCES staff_members (id),
    authorization_id  uuid REFERENCES authorizations (id),
    service_code      text NOT NULL,
    start_time        timestamptz NOT NULL,
    end_time          timestamptz NOT NULL,
    status            text NOT NULL
        CONSTRAINT appointments_status_check
        CHECK (status IN ('SCHEDULED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED', 'NO_SHOW')),
    location          text
        CONSTRAINT appointments_location_check CHECK (location IN ('HOME', 'CLINIC', 'SCHOOL', 'TELEHEALTH')),
    recurrence_rule   text,
    notes             text,
    created_at        timestamptz DEFAULT now(),
    updated_at        timestamptz DEFAULT now(),
    CONSTRAINT valid_time_range CHECK (end_time > start_time)
);

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 006';
