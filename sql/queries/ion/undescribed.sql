-- Ions that have no properties of this version yet.
SELECT
    i.id,
    i.smiles
FROM ildb.ion AS i
WHERE NOT EXISTS (
    SELECT FROM ildb.ion_property AS p
    WHERE p.ion_id = i.id AND p.version = :version
)
ORDER BY i.id
