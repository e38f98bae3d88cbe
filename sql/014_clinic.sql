-- What a clinic keeps beyond the original columns: roles and statuses widened, what a claim needs, payers, caseload.

ALTER TABLE users DROP CONSTRAINT users_role_check;
ALTER TABLE users ADD CONSTRAINT users_role_check
    CHECK (role IN ('RBT', 'BCBA', 'FRONT_DESK', 'BILLER', 'ADMIN', 'SUPER_ADMIN'));
-- Sign-in is by email whatever its case, so the case must not make two people of one address.
CREATE UNIQUE INDEX users_email_lower_key ON users (lower(email));

ALTER TABLE organizations
    ADD COLUMN time_zone text NOT NULL DEFAULT 'America/New_York',
    ADD COLUMN taxonomy_code text,
    ADD COLUMN street text,
    ADD COLUMN city text,
    ADD COLUMN state text,
    ADD COLUMN zip_code text,
    ADD COLUMN phone text,
    ADD COLUMN contact_name text,
    ADD COLUMN claim_submitter_id text,
    ADD COLUMN schedule_pending_authorizations boolean NOT NULL DEFAULT false,
    ADD COLUMN is_active boolean NOT NULL DEFAULT true,
    -- An unknown zone is an error here, before it is one on every page.
    ADD CONSTRAINT organizations_time_zone_check
        CHECK (timezone(time_zone, '2000-01-01 00:00+00'::timestamptz) IS NOT NULL);

ALTER TABLE staff_members
    ADD COLUMN credential text,
    ADD CONSTRAINT staff_members_credential_check CHECK (credential IN ('RBT', 'BCaBA', 'BCBA', 'BCBA-D')),
    ADD CONSTRAINT staff_members_one_per_user UNIQUE (organization_id, user_id);

ALTER TABLE patients
    ADD COLUMN sex text,
    ADD COLUMN street text,
    ADD COLUMN city text,
    ADD COLUMN zip_code text,
    ADD CONSTRAINT patients_sex_check CHECK (sex IN ('F', 'M', 'U')),
    -- Search keys in C collation: a range comparison on them may use the index under row-level security, ILIKE not.
    ADD COLUMN search_key text COLLATE "C" NOT NULL
        GENERATED ALWAYS AS (lower(last_name) || ', ' || lower(first_name)) STORED,
    ADD COLUMN first_name_key text COLLATE "C" NOT NULL
        GENERATED ALWAYS AS (lower(first_name) || ' ' || lower(last_name)) STORED;
CREATE INDEX patients_list_idx ON patients (organization_id, is_active, search_key, id);
CREATE INDEX patients_first_name_idx ON patients (organization_id, is_active, first_name_key, id);

-- Payers as the clinic bills them ------------------------------------------------------------------------------------

CREATE TABLE payers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    name text NOT NULL,
    payer_id text NOT NULL,
    claim_filing_code text NOT NULL DEFAULT 'CI',
    rounding_rule text NOT NULL DEFAULT 'AMA_MIDPOINT',
    rounding_scope text NOT NULL DEFAULT 'SUM_THEN_ROUND',
    timely_filing_days integer NOT NULL DEFAULT 90,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payers_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT payers_payer_id_key UNIQUE (organization_id, payer_id),
    CONSTRAINT payers_rounding_rule_check CHECK (rounding_rule IN ('AMA_MIDPOINT', 'CMS_8_MINUTE')),
    CONSTRAINT payers_rounding_scope_check CHECK (rounding_scope IN ('SUM_THEN_ROUND', 'ROUND_EACH')),
    CONSTRAINT payers_timely_filing_days_check CHECK (timely_filing_days > 0)
);
CALL app.wall_tenant_table('payers');
GRANT SELECT, INSERT, UPDATE ON payers TO omnirapeutic_app;

ALTER TABLE patient_insurance
    ADD COLUMN billing_payer_id uuid,
    ADD COLUMN payer_rank text NOT NULL DEFAULT 'P',
    ADD COLUMN relationship text NOT NULL DEFAULT '18',
    ADD COLUMN subscriber_first_name text,
    ADD COLUMN subscriber_last_name text,
    ADD COLUMN subscriber_date_of_birth date,
    ADD COLUMN subscriber_sex text,
    ADD COLUMN subscriber_street text,
    ADD COLUMN subscriber_city text,
    ADD COLUMN subscriber_state text,
    ADD COLUMN subscriber_zip_code text,
    ADD CONSTRAINT patient_insurance_payer_rank_check CHECK (payer_rank IN ('P', 'S', 'T')),
    ADD CONSTRAINT patient_insurance_subscriber_sex_check CHECK (subscriber_sex IN ('F', 'M', 'U')),
    ADD CONSTRAINT patient_insurance_payer_fkey
        FOREIGN KEY (organization_id, billing_payer_id) REFERENCES payers (organization_id, id) ON DELETE RESTRICT;
CREATE INDEX patient_insurance_tenant_patient_idx ON patient_insurance (organization_id, patient_id);

-- Authorizations: what is delivered apart from what is committed, caps of the payer's letter ------------------------

ALTER TABLE authorizations DROP CONSTRAINT authorizations_status_check;
-- FORCE blinds the owner, who has no context here: without this the next line would silently change nothing.
ALTER TABLE authorizations NO FORCE ROW LEVEL SECURITY;
UPDATE authorizations SET used_units = 0 WHERE used_units IS NULL;
ALTER TABLE authorizations FORCE ROW LEVEL SECURITY;
ALTER TABLE authorizations
    ALTER COLUMN used_units SET NOT NULL,
    ADD COLUMN delivered_units integer NOT NULL DEFAULT 0,
    ADD COLUMN units_per_day integer,
    ADD COLUMN units_per_week integer,
    ADD COLUMN units_per_month integer,
    -- ISO weekday on which the payer's week begins: 1 Monday … 7 Sunday.
    ADD COLUMN week_starts_on smallint NOT NULL DEFAULT 7,
    ADD CONSTRAINT authorizations_status_check
        CHECK (status IN ('PENDING', 'ACTIVE', 'EXPIRED', 'EXHAUSTED', 'CANCELLED')),
    ADD CONSTRAINT delivered_within_used CHECK (delivered_units >= 0 AND delivered_units <= used_units),
    ADD CONSTRAINT authorizations_caps_check
        CHECK (units_per_day > 0 AND units_per_week > 0 AND units_per_month > 0),
    ADD CONSTRAINT authorizations_week_starts_on_check CHECK (week_starts_on BETWEEN 1 AND 7);
-- Never over the counters: every reservation would have to rewrite the index.
CREATE INDEX authorizations_tenant_patient_idx
    ON authorizations (organization_id, patient_id, service_code, end_date);
-- Which letters end soon.
CREATE INDEX authorizations_tenant_end_idx ON authorizations (organization_id, end_date, id);

-- Who works with whom, dated: the rule of what an RBT or BCBA may see ----------------------------------------------

CREATE TABLE caseload_assignments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id),
    patient_id uuid NOT NULL,
    staff_member_id uuid NOT NULL,
    starts_on date NOT NULL,
    ends_on date,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT caseload_assignments_tenant_key UNIQUE (organization_id, id),
    CONSTRAINT caseload_assignments_once UNIQUE (organization_id, patient_id, staff_member_id, starts_on),
    CONSTRAINT caseload_assignments_dates_check CHECK (ends_on >= starts_on),
    CONSTRAINT caseload_assignments_patient_fkey
        FOREIGN KEY (organization_id, patient_id) REFERENCES patients (organization_id, id) ON DELETE RESTRICT,
    CONSTRAINT caseload_assignments_staff_fkey
        FOREIGN KEY (organization_id, staff_member_id) REFERENCES staff_members (organization_id, id) ON DELETE RESTRICT
);
CREATE INDEX caseload_assignments_staff_idx ON caseload_assignments (organization_id, staff_member_id, patient_id);
CALL app.wall_tenant_table('caseload_assignments');
GRANT SELECT, INSERT, UPDATE ON caseload_assignments TO omnirapeutic_app;

-- Service codes: reference data of the deployment, read-only for the application, about no organisation -------------
--
-- patient_lanes says which kinds of service may run beside each other for one child: lane 1 treatment by a
-- technician, lane 2 an analyst directing it, lane 3 caregiver guidance for which the child need not be present.
-- Two appointments of one patient may overlap only when their lanes do not.

CREATE TABLE service_codes (
    code text PRIMARY KEY,
    name text NOT NULL,
    is_billable boolean NOT NULL DEFAULT true,
    rendered_by text[] NOT NULL,
    is_group boolean NOT NULL DEFAULT false,
    patient_present boolean NOT NULL DEFAULT true,
    patient_lanes int4range NOT NULL,
    -- Medically unlikely edit: units per patient and day, the shipped default.
    daily_unit_limit integer
);
INSERT INTO service_codes
    (code, name, is_billable, rendered_by, is_group, patient_present, patient_lanes, daily_unit_limit)
VALUES
    ('97151', 'Assessment by analyst', true, '{BCBA,BCBA-D}', false, true, '[1,3)', 32),
    ('97152', 'Supporting assessment', true, '{RBT,BCaBA,BCBA,BCBA-D}', false, true, '[1,3)', 16),
    ('97153', 'Treatment by protocol', true, '{RBT,BCaBA,BCBA,BCBA-D}', false, true, '[1,2)', 32),
    ('97154', 'Group treatment by protocol', true, '{RBT,BCaBA,BCBA,BCBA-D}', true, true, '[1,2)', 18),
    ('97155', 'Treatment with protocol modification', true, '{BCaBA,BCBA,BCBA-D}', false, true, '[2,3)', 24),
    ('97156', 'Caregiver guidance', true, '{BCaBA,BCBA,BCBA-D}', false, false, '[3,4)', 16),
    ('97157', 'Multiple-family guidance', true, '{BCBA,BCBA-D}', true, false, '[3,4)', 16),
    ('97158', 'Group with protocol modification', true, '{BCBA,BCBA-D}', true, true, '[1,3)', 16),
    ('0362T', 'Assessment, two or more technicians', true, '{RBT,BCaBA,BCBA,BCBA-D}', false, true, '[1,3)', 16),
    ('0373T', 'Treatment, two or more technicians', true, '{RBT,BCaBA,BCBA,BCBA-D}', false, true, '[1,3)', 32);
GRANT SELECT ON service_codes TO omnirapeutic_app, omnirapeutic_definer;

-- Records of a clinic end, they are not removed: no row of these tables is deleted by the application.
REVOKE DELETE ON organizations, users, staff_members, patients, patient_insurance, authorizations, appointments,
    sessions, claims FROM omnirapeutic_app;

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 014';
