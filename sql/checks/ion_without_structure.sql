-- Ions that no structure search finds, other than those this server's cartridge cannot read, which are flagged.
-- Mend: ildb db rebuild-structures
SELECT
    i.id,
    i.smiles
FROM ildb.ion AS i
LEFT JOIN ildb.ion_structure AS s ON i.id = s.ion_id
WHERE s.ion_id IS NULL AND NOT 'no_structure' = any(i.flags)
