-- Claims that this source has not made before. Answers which records were the first to make one.
WITH claim AS (
    SELECT DISTINCT ON (p.id, r.reference, r.source_key)
        p.id AS pairing_id,
        r.record_no,
        r.reference,
        r.source_key,
        r.name
    FROM pg_temp.stage_record AS r
    INNER JOIN ildb.ion AS c ON r.cation_inchikey = c.inchikey
    INNER JOIN ildb.ion AS a ON r.anion_inchikey = a.inchikey
    INNER JOIN ildb.pairing AS p ON c.id = p.cation_id AND a.id = p.anion_id
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
        AND c.reference IS NOT DISTINCT FROM d.reference
        AND c.source_key IS NOT DISTINCT FROM d.source_key
