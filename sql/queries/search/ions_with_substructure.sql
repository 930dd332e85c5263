-- Ids of the ions that contain a pattern, with the sign of their charge.
-- :smarts must have passed ildb.chem.parse.parse_smarts.
SELECT
    s.ion_id,
    i.charge > 0 AS is_cation
FROM ildb.ion_structure AS s
INNER JOIN ildb.ion AS i ON s.ion_id = i.id
WHERE s.mol @> qmol_from_smarts(cast(:smarts AS cstring))
ORDER BY s.ion_id
