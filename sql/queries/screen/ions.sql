-- The ions of a run's candidates, and whether any pairing known from the literature has them.
SELECT
    i.id,
    i.smiles,
    EXISTS (
        SELECT FROM ildb.pairing AS k
        INNER JOIN ildb.pairing_evidence AS e ON k.id = e.pairing_id AND e.kind = 'known'
        WHERE i.id IN (k.cation_id, k.anion_id)
    ) AS known
FROM ildb.ion AS i
WHERE i.id = any(cast(:ids AS bigint []))
ORDER BY i.id
