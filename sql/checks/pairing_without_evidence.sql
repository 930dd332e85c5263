-- Pairings that nothing speaks for: neither a source nor a run.
SELECT
    p.id,
    p.cation_id,
    p.anion_id
FROM ildb.pairing AS p
WHERE NOT EXISTS (
    SELECT FROM ildb.pairing_evidence AS e
    WHERE e.pairing_id = p.id
)
