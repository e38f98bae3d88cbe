-- What the demo does not bring and the measurements need. Run by the administrator, whom no policy confines.

-- A year of reading: the audit trail is the longest table of a clinic.
INSERT INTO audit_logs (organization_id, user_id, user_email, action, resource_type, resource_id, "timestamp", ip_address,
                        request_id, details)
SELECT p.organization_id, u.id, u.email, 'READ', 'patient', p.id, now() - n * interval '7 hours', '127.0.0.1',
       md5(p.id::text || n), '{"page": "client_detail"}'
FROM patients p
CROSS JOIN LATERAL (SELECT * FROM users u WHERE u.organization_id = p.organization_id ORDER BY u.id LIMIT 1) u
CROSS JOIN generate_series(1, 100) n;
INSERT INTO audit_logs (organization_id, user_id, user_email, action, resource_type, resource_id, "timestamp", ip_address,
                        request_id)
SELECT s.organization_id, u.id, u.email, a.action, 'session', s.id, s.start_time + a.n * interval '1 hour', '127.0.0.1',
       md5(s.id::text || a.n)
FROM sessions s
JOIN staff_members m ON m.organization_id = s.organization_id AND m.id = s.provider_id
JOIN users u ON u.id = m.user_id
CROSS JOIN (VALUES (1, 'CREATE'), (2, 'UPDATE'), (3, 'READ'), (4, 'READ')) a (n, action);

-- Every provider has a session that runs now, with the targets and events of their latest one.
CREATE TEMPORARY TABLE running AS
SELECT DISTINCT ON (s.organization_id, s.provider_id) s.id AS model_id, gen_random_uuid() AS id
FROM sessions s WHERE s.status = 'COMPLETED' AND s.provider_id IS NOT NULL
ORDER BY s.organization_id, s.provider_id, s.start_time DESC;
INSERT INTO sessions (id, organization_id, patient_id, provider_id, authorization_id, service_code, start_time, status,
                      location, service_date, latest_metrics)
SELECT r.id, s.organization_id, s.patient_id, s.provider_id, s.authorization_id, s.service_code,
       now() - interval '40 minutes', 'IN_PROGRESS', s.location, current_date, s.latest_metrics
FROM running r JOIN sessions s ON s.id = r.model_id;
INSERT INTO session_events (organization_id, session_id, target_id, event_type, event_timestamp, raw_value, metadata,
                            recorded_by)
SELECT e.organization_id, r.id, e.target_id, e.event_type, now() - interval '20 minutes', e.raw_value, e.metadata,
       e.recorded_by
FROM running r JOIN session_events e ON e.session_id = r.model_id;

-- Claims of what was finished more than two weeks ago.
INSERT INTO claims (organization_id, session_id, authorization_id, patient_id, service_date, payer_id, claim_number,
                    edi_payload, status, submitted_at, created_at, billed_amount)
SELECT s.organization_id, s.id, s.authorization_id, s.patient_id, s.service_date, i.payer_id, 'BENCH' || s.number, '{}',
       (ARRAY['SUBMITTED', 'ACCEPTED', 'PAID'])[1 + s.number %% 3], s.end_time + interval '2 days', s.end_time + interval '1 day', s.billed_units * 18.5
FROM (SELECT *, row_number() OVER (ORDER BY start_time, id) AS number FROM sessions) s
JOIN session_notes n ON n.organization_id = s.organization_id AND n.session_id = s.id AND n.status <> 'DRAFT'
JOIN authorizations z ON z.organization_id = s.organization_id AND z.id = s.authorization_id
JOIN patient_insurance i ON i.organization_id = z.organization_id AND i.id = z.insurance_id
WHERE s.status = 'COMPLETED' AND s.service_date < current_date - 14
    AND NOT EXISTS (SELECT FROM claims c WHERE c.organization_id = s.organization_id AND c.session_id = s.id);

-- Clinics that have nothing but clients: a list must not grow slower with them.
INSERT INTO organizations (id, name)
SELECT ('00000000-0000-4000-8000-' || lpad(size::text, 12, '0'))::uuid, 'Bench ' || size
FROM unnest(%(sizes)s::integer[]) size;
INSERT INTO users (organization_id, email, password_hash, full_name, role)
SELECT o.id, 'bench-' || right(o.id::text, 12) || '@bench.example', '!', 'Front Desk', 'FRONT_DESK'
FROM organizations o WHERE o.name LIKE 'Bench %%';
INSERT INTO patients (organization_id, first_name, last_name, date_of_birth, sex, street, city, state, zip_code,
                      guardian_name, guardian_phone)
SELECT ('00000000-0000-4000-8000-' || lpad(size::text, 12, '0'))::uuid,
       initcap(translate(substr(md5('first' || n), 1, 5), '0123456789', 'oinuayblmr')),
       initcap(translate(substr(md5('last' || n), 1, 7), '0123456789', 'oinuayblmr')),
       date '2012-01-01' + n %% 4000, 'U', n || ' Elm Street', 'Springfield', 'NJ', '07081', 'Parent ' || n, '555-01' || n %% 100
FROM unnest(%(sizes)s::integer[]) size CROSS JOIN LATERAL generate_series(1, size) n;
