-- A script that knows only the original columns (sql/001-011): one row of every table, and one that leaves out whatever
-- has a default. Later files must let it through unchanged, with the same meaning.
INSERT INTO organizations (id, name, tax_id, npi) VALUES
    ('00000000-0000-4000-8000-000000000001', 'Original Clinic', '12-3456789', '1234567893');
INSERT INTO users (id, organization_id, email, password_hash, full_name, role, npi, credentials, is_active, last_login_at)
VALUES
    ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', 'ada@original.example', 'x',
     'Ada Original', 'BCBA', '1234567893', '{"board": "BACB"}', true, now());
INSERT INTO staff_members (id, user_id, organization_id, npi, license_number, license_state, license_expiration,
                           credentials, is_active)
VALUES
    ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000002',
     '00000000-0000-4000-8000-000000000001', '1234567893', 'L-1', 'NY', '2030-01-31', '{}', true);
INSERT INTO patients (id, organization_id, first_name, last_name, date_of_birth, state, primary_diagnosis_code,
                      guardian_name, guardian_email, guardian_phone, is_active)
VALUES
    ('00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000001', 'Ben', 'Original', '2018-05-01', 'NY',
     'F84.0', 'Cam Original', 'cam@original.example', '5185550100', true);
INSERT INTO patient_insurance (id, patient_id, payer_name, payer_id, member_id, group_number, plan_name, effective_date,
                               termination_date, is_active, eligibility_verification, last_verified_at)
VALUES
    ('00000000-0000-4000-8000-000000000005', '00000000-0000-4000-8000-000000000004', 'Blue Plan', '60054', 'W1', 'G1',
     'PPO', '2024-01-01', '2030-12-31', true, '{}', now());
INSERT INTO authorizations (id, patient_id, insurance_id, service_code, total_units, used_units, start_date, end_date,
                            status, authorization_number)
VALUES
    ('00000000-0000-4000-8000-000000000006', '00000000-0000-4000-8000-000000000004',
     '00000000-0000-4000-8000-000000000005', '97153', 100, 8, '2024-01-01', '2030-12-31', 'ACTIVE', 'A-1');
INSERT INTO appointments (id, organization_id, patient_id, provider_id, authorization_id, service_code, start_time,
                          end_time, status, location, recurrence_rule, notes)
VALUES
    ('00000000-0000-4000-8000-000000000007', '00000000-0000-4000-8000-000000000001',
     '00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000003',
     '00000000-0000-4000-8000-000000000006', '97153', '2025-03-03 10:00-05', '2025-03-03 12:00-05', 'SCHEDULED', 'HOME',
     'FREQ=WEEKLY', 'bring toys');
INSERT INTO sessions (id, appointment_id, patient_id, provider_id, authorization_id, service_code, start_time, end_time,
                      duration_minutes, billed_units, status, location, latest_metrics, ai_note_json, voice_note_url,
                      voice_transcript)
VALUES
    ('00000000-0000-4000-8000-000000000008', '00000000-0000-4000-8000-000000000007',
     '00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000003',
     '00000000-0000-4000-8000-000000000006', '97153', '2025-03-03 10:00-05', '2025-03-03 12:00-05', 120, 8, 'COMPLETED',
     'HOME', '{}', '{}', 'https://voice.example/1', 'words');
INSERT INTO session_events (id, session_id, event_type, event_timestamp, raw_value, metadata, recorded_by) VALUES
    ('00000000-0000-4000-8000-000000000009', '00000000-0000-4000-8000-000000000008', 'FREQUENCY', now(), 1.5, '{}',
     '00000000-0000-4000-8000-000000000003');
INSERT INTO claims (id, session_id, authorization_id, payer_id, claim_number, edi_payload, status, submitted_at,
                    response_payload, rejection_reason, billed_amount, paid_amount, payment_date)
VALUES
    ('00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-000000000008',
     '00000000-0000-4000-8000-000000000006', '60054', 'C-1', '{}', 'SUBMITTED', now(), '{}', 'none', 100.50, 90.25,
     '2025-04-01');
INSERT INTO audit_logs (id, "timestamp", user_id, user_email, organization_id, action, resource_type, resource_id,
                        ip_address, user_agent, request_id, details)
VALUES
    ('00000000-0000-4000-8000-00000000000b', now(), '00000000-0000-4000-8000-000000000002', 'ada@original.example',
     '00000000-0000-4000-8000-000000000001', 'READ', 'patient', '00000000-0000-4000-8000-000000000004', '127.0.0.1',
     'psql', 'r-1', '{}');

INSERT INTO patient_insurance (patient_id, payer_name, member_id) VALUES
    ('00000000-0000-4000-8000-000000000004', 'Green Plan', 'W2');
INSERT INTO authorizations (patient_id, service_code, total_units, start_date, end_date, status) VALUES
    ('00000000-0000-4000-8000-000000000004', '97155', 10, '2024-01-01', '2030-12-31', 'EXPIRED');
INSERT INTO appointments (organization_id, patient_id, service_code, start_time, end_time, status) VALUES
    ('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000004', 'DRIVE', '2025-03-05 10:00-05',
     '2025-03-05 11:00-05', 'CANCELLED');
INSERT INTO sessions (patient_id, service_code, start_time, status) VALUES
    ('00000000-0000-4000-8000-000000000004', '97153', '2025-03-06 10:00-05', 'IN_PROGRESS');
INSERT INTO session_events (session_id, event_type) VALUES ('00000000-0000-4000-8000-000000000008', 'FREQUENCY');
INSERT INTO claims (authorization_id, payer_id, edi_payload, status) VALUES
    ('00000000-0000-4000-8000-000000000006', '60054', '{}', 'DRAFT');
INSERT INTO claims (session_id, payer_id, edi_payload, status) VALUES
    ('00000000-0000-4000-8000-000000000008', '60054', '{}', 'DENIED');
