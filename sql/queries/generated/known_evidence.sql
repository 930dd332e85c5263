-- The claims that make ions known, with the keys of the ions they are about.
SELECT
    e.id,
    concat_ws('.', c.inchikey, a.inchikey) AS key
FROM ildb.pairing_evidence AS e
INNER JOIN ildb.pairing AS p ON e.pairing_id = p.id
INNER JOIN ildb.ion AS c ON p.cation_id = c.id
INNER JOIN ildb.ion AS a ON p.anion_id = a.id
WHERE e.kind = 'known'
ORDER BY e.id
