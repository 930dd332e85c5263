INSERT INTO ildb.quarantine (source_id, record, record_sha256, reasons, findings)
SELECT DISTINCT ON (record_sha256) cast(:source_id AS bigint), record, record_sha256, reasons, findings
FROM pg_temp.stage_quarantine
ORDER BY record_sha256
ON CONFLICT (source_id, record_sha256) DO NOTHING
