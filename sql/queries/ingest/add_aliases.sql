-- Spellings of a batch that differ from the ion's own SMILES.
INSERT INTO ildb.ion_alias (ion_id, source_id, kind, value)
SELECT DISTINCT i.id, cast(:source_id AS bigint), a.kind, a.value
FROM pg_temp.stage_alias AS a
INNER JOIN ildb.ion AS i ON a.inchikey = i.inchikey
WHERE a.value <> i.smiles
ON CONFLICT DO NOTHING
