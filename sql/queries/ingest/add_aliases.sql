-- Spellings of a batch that differ from the ion's own SMILES.
INSERT INTO ildb.ion_alias (ion_id, source_id, kind, value)
SELECT DISTINCT a.ion_id, cast(:source_id AS bigint), a.kind, a.value
FROM pg_temp.stage_alias AS a
CROSS JOIN LATERAL (SELECT smiles FROM ildb.ion WHERE id = a.ion_id LIMIT 1) AS i
WHERE a.value <> i.smiles
ON CONFLICT DO NOTHING
