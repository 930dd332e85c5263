-- Pairings that a run is said to have generated although it drew neither the pairing nor one of its ions as new.
SELECT
    e.id,
    e.pairing_id,
    e.run_id
FROM ildb.pairing_evidence AS e
INNER JOIN ildb.pairing AS p ON e.pairing_id = p.id
WHERE
    e.kind = 'generated'
    AND NOT EXISTS (
        SELECT FROM ildb.generated_molecule AS g
        WHERE g.outcome = 'novel' AND (g.pairing_id = p.id OR g.ion_id IN (p.cation_id, p.anion_id))
    )
