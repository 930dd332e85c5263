-- Records of a source that are out: still open, or rejected for good.
SELECT
    id,
    status,
    record_sha256,
    record ->> 'source_key' AS source_key,
    CASE WHEN record ->> 'problem' IS NOT NULL AND record -> 'raw' <> '{}' THEN record -> 'raw' END AS raw
FROM ildb.quarantine
WHERE source_id = :source_id AND status <> 'accepted'
