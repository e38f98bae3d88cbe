-- The performance indexes: by organization, by date range, by status, and every foreign key that is followed.
-- Deliberately absent:
--   * an index with "WHERE end_date >= CURRENT_DATE": PostgreSQL refuses it, the predicate is not immutable.
--     A query for current authorizations compares end_date itself and uses the index below;
--   * any index on used_units: every reservation changes it, and unindexed it is a cheap in-page (HOT) update.

CREATE INDEX idx_users_organization ON users (organization_id);
CREATE INDEX idx_staff_members_organization ON staff_members (organization_id);
CREATE INDEX idx_staff_members_user ON staff_members (user_id);

CREATE INDEX idx_patients_organization_name ON patients (organization_id, last_name, first_name);
CREATE INDEX idx_patient_insurance_patient ON patient_insurance (patient_id);

CREATE INDEX idx_authorizations_patient_dates ON authorizations (patient_id, start_date, end_date);
CREATE INDEX idx_authorizations_active_end ON authorizations (end_date) WHERE status = 'ACTIVE';
CREATE INDEX idx_authorizations_insurance ON authorizations (insurance_id);

CREATE INDEX idx_appointments_organization_start ON appointments (organization_id, start_time);
CREATE INDEX idx_appointments_organization_status ON appointments (organization_id, status, start_time);
CREATE INDEX idx_appointments_patient_start ON appointments (patient_id, start_time);
CREATE INDEX idx_appointments_provider_start ON appointments (provider_id, start_time);
CREATE INDEX idx_appointments_authorization ON appointments (authorization_id);

CREATE INDEX idx_sessions_patient_start ON sessions (patient_id, start_time);
CREATE INDEX idx_sessions_provider_start ON sessions (provider_id, start_time);
CREATE INDEX idx_sessions_status_start ON sessions (status, start_time);
CREATE INDEX idx_sessions_appointment ON sessions (appointment_id);
CREATE INDEX idx_sessions_authorization ON sessions (authorization_id);
CREATE INDEX idx_session_events_session_time ON session_events (session_id, event_timestamp);
CREATE INDEX idx_session_events_recorded_by ON session_events (recorded_by);

CREATE INDEX idx_claims_session ON claims (session_id);
CREATE INDEX idx_claims_authorization ON claims (authorization_id);
CREATE INDEX idx_claims_status_submitted ON claims (status, submitted_at);

CREATE INDEX idx_audit_logs_organization_time ON audit_logs (organization_id, "timestamp");
CREATE INDEX idx_audit_logs_user_time ON audit_logs (user_id, "timestamp");
CREATE INDEX idx_audit_logs_resource_time ON audit_logs (resource_type, resource_id, "timestamp");

COMMENT ON SCHEMA app IS 'Omnirapeutic schema: deployed through 010';
