-- Therapy sessions: what is measured (programs and targets), events that count once, notes and their signatures.

CREATE TABLE programs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    patient_id uuid NOT NULL,
    name text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT programs_tenant_key UNIQUE (organization_id, patient_id, id),
    CONSTRAINT programs_patient_fkey
        FOREIGN KEY (organization_id, patient_id) REFERENCES patients (organization_id, id) ON DELETE RESTRICT
);
CALL app.wall_tenant_table('programs');
GRANT SELECT, INSERT, UPDATE ON programs TO omnirapeutic_app;

CREATE TABLE targets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    patient_id uuid NOT NULL,
    program_id uuid NOT NULL,
    name text NOT NULL,
    measure text NOT NULL,
    phase text NOT NULL DEFAULT 'BASELINE',
    position integer NOT NULL DEFAULT 0,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT targets_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT targets_measure_check CHECK (measure IN ('FREQUENCY', 'DURATION', 'DISCRETE_TRIAL')),
    CONSTRAINT targets_phase_check CHECK (phase IN ('BASELINE', 'INTERVENTION', 'MAINTENANCE', 'GENERALIZATION')),
    CONSTRAINT targets_program_fkey
        FOREIGN KEY (organization_id, patient_id, program_id)
        REFERENCES programs (organization_id, patient_id, id) ON DELETE RESTRICT
);
CREATE INDEX targets_tenant_patient_idx ON targets (organization_id, patient_id, position);
CALL app.wall_tenant_table('targets');
GRANT SELECT, INSERT, UPDATE ON targets TO omnirapeutic_app;

ALTER TABLE sessions
    -- The date of service where the clinic is; a session across midnight belongs to the day it began.
    ADD COLUMN service_date date,
    ADD COLUMN rounding_rule text,
    -- Delivered beyond what the authorization held: not billable until a supervisor decides.
    ADD COLUMN excess_units integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT sessions_excess_units_check CHECK (excess_units >= 0);
CREATE UNIQUE INDEX sessions_one_per_appointment ON sessions (organization_id, appointment_id)
    WHERE appointment_id IS NOT NULL AND status <> 'CANCELLED';
CREATE INDEX sessions_tenant_start_idx ON sessions (organization_id, start_time);
CREATE INDEX sessions_tenant_status_idx ON sessions (organization_id, status, start_time);
CREATE INDEX sessions_tenant_patient_idx ON sessions (organization_id, patient_id, start_time);
CREATE INDEX sessions_tenant_provider_idx ON sessions (organization_id, provider_id, start_time);
CREATE INDEX sessions_tenant_authorization_idx ON sessions (organization_id, authorization_id);

ALTER TABLE session_events
    -- The id the tablet gave the tap. Unique per organisation: a redelivery is recognised, and another clinic's id
    -- can neither collide nor be found out.
    ADD COLUMN client_event_id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN target_id uuid,
    ADD CONSTRAINT session_events_client_event_key UNIQUE (organization_id, client_event_id),
    ADD CONSTRAINT session_events_target_fkey
        FOREIGN KEY (organization_id, target_id) REFERENCES targets (organization_id, id) ON DELETE RESTRICT;
CREATE INDEX session_events_tenant_session_idx ON session_events (organization_id, session_id, event_timestamp);

CREATE TABLE session_notes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    session_id uuid NOT NULL,
    participants text NOT NULL DEFAULT '',
    narrative text NOT NULL DEFAULT '',
    response text NOT NULL DEFAULT '',
    plan text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'DRAFT',
    -- SHA-256 of what was signed, in hexadecimal.
    content_sha256 text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT session_notes_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT session_notes_once UNIQUE (organization_id, session_id),
    CONSTRAINT session_notes_status_check CHECK (status IN ('DRAFT', 'SIGNED', 'LOCKED')),
    CONSTRAINT session_notes_signed_content CHECK (status = 'DRAFT' OR content_sha256 IS NOT NULL),
    CONSTRAINT session_notes_session_fkey
        FOREIGN KEY (organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE RESTRICT
);
CALL app.wall_tenant_table('session_notes');
GRANT SELECT, INSERT, UPDATE ON session_notes TO omnirapeutic_app;

-- What waits for a co-signature is a small part of all notes.
CREATE INDEX session_notes_signed_idx ON session_notes (organization_id, session_id) WHERE status = 'SIGNED';

-- What was signed stays as it was signed; after that there are only addenda.
CREATE FUNCTION app.keep_signed_note() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    IF NEW.status = 'DRAFT' OR OLD.status = 'LOCKED' AND NEW.status <> 'LOCKED'
        OR (NEW.session_id, NEW.participants, NEW.narrative, NEW.response, NEW.plan, NEW.content_sha256)
            IS DISTINCT FROM
            (OLD.session_id, OLD.participants, OLD.narrative, OLD.response, OLD.plan, OLD.content_sha256)
    THEN
        RAISE EXCEPTION 'A signed note cannot be changed.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'session_notes_signed';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION app.keep_signed_note() FROM PUBLIC;
CREATE TRIGGER keep_signed_note BEFORE UPDATE ON session_notes
    FOR EACH ROW WHEN (OLD.status <> 'DRAFT') EXECUTE FUNCTION app.keep_signed_note();

CREATE TABLE note_signatures (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    note_id uuid NOT NULL,
    staff_member_id uuid NOT NULL,
    signer_role text NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT now(),
    content_sha256 text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT note_signatures_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT note_signatures_once UNIQUE (organization_id, note_id, signer_role),
    CONSTRAINT note_signatures_signer_role_check CHECK (signer_role IN ('RENDERING', 'SUPERVISING')),
    CONSTRAINT note_signatures_note_fkey
        FOREIGN KEY (organization_id, note_id) REFERENCES session_notes (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT note_signatures_staff_fkey
        FOREIGN KEY (organization_id, staff_member_id) REFERENCES staff_members (organization_id, id) ON DELETE RESTRICT
);
CALL app.wall_tenant_table('note_signatures');
GRANT SELECT, INSERT ON note_signatures TO omnirapeutic_app;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 017';
