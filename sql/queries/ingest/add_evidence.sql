-- Claims that this source has not made before. Answers which records were the first to make one.
WITH claim AS (
    SELECT DISTINCT ON (p.id, r.reference, r.source_key)
        p.id AS pairing_id,
        r.record_no,
        r.reference,
        r.source_key,
        r.name
    FROM pg_temp.stage_record AS r
    CROSS JOIN LATERAL (
        SELECT id FROM ildb.pairing WHERE cation_id = r.cation_id AND anion_id = r.anion_id LIMIT 1
    ) AS p
    ORDER BY p.id ASC, r.reference ASC, r.source_key ASC, r.record_no ASC
),

added AS (
    INSERT INTO ildb.pairing_evidence (pairing_id, kind, source_id, source_key, name, reference)
    SELECT pairing_id, 'known', :source_id, source_key, name, reference
    FROM claim
    ORDER BY record_no
    ON CONFLICT DO NOTHING
    RETURNING pairing_id, reference, source_key
)

SELECT c.record_no
FROM claim AS c
INNER JOIN added AS d
    ON
        c.pairing_id = d.pairing_id
        AND c.source_key = d.source_key
        AND c.reference IS NOT DISTINCT FROM d.reference
