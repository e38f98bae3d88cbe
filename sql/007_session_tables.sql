-- What took place. A session need not have been planned, so appointment_id may be empty.

CREATE TABLE sessions (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    appointment_id    uuid REFERENCES appointments (id),
    patient_id        uuid NOT NULL REFERENCES patients (id),
    provider_id       uuid REFERENCES staff_members (id),
    authorization_id  uuid REFERENCES authorizations (id),
    service_code      text NOT NULL,
    start_time        timestamptz NOT NULL,
    end_time          timestamptz,
    duration_minutes  integer,
    billed_units      integer,
    status            text NOT NULL
        CONSTRAINT sessions_status_check
        CHECK (status IN ('IN_PROGRESS', 'COMPLETED', 'REQUIRES_REVIEW', 'CANCELLED')),
    location          text,
    latest_metrics    jsonb,
    ai_note_json      jsonb,
    voice_note_url    text,
    voice_transcript  text,
    created_at        timestamptz DEFAULT now(),
    updated_at        timestamptz DEFAULT now()
);

-- Append-only: what was observed is never rewritten, so there is no updated_at.
CREATE TABLE session_events (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id       uuid NOT NULL REFERENCES sessions (id),
    event_type       text NOT NULL,
    event_timestamp  timestamptz DEFAULT now(),
    raw_value        numeric,
    metadata         jsonb,
    recorded_by      uuid REFERENCES staff_members (id),
    created_at       timestamptz DEFAULT now()
);

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 007';
