-- Ions whose fingerprint is not that of their structure (made with other settings). Mend: ildb db rebuild-structures
SELECT
    i.id,
    i.smiles
FROM ildb.ion AS i
INNER JOIN ildb.ion_structure AS s ON i.id = s.ion_id
WHERE s.mfp2 <> morganbv_fp(s.mol, 2)
