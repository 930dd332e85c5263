-- The force field of each ion: of several methods the best grade, then the newest; a refusal only where nothing else is.
SELECT DISTINCT ON (p.ion_id)
    p.id,
    p.ion_id,
    p.run_id,
    i.smiles,
    i.inchikey,
    p.method_key,
    p.charges_asked,
    p.refusal,
    p.backend,
    p.grade,
    p.charge_method,
    p.n_atoms,
    p.gate_reference,
    p.gate_angle_deg,
    p.gate_distance_nm,
    p.gate_hot_distance_nm,
    p.gate_strain,
    p.max_penalty,
    p.content_sha256,
    p.cpu_s,
    a.sha256 AS artifact_sha256
FROM ildb.md_parameters AS p
INNER JOIN ildb.ion AS i ON p.ion_id = i.id
LEFT JOIN ildb.artifact AS a ON p.artifact_id = a.id
WHERE p.ion_id = ANY(CAST(:ids AS bigint []))
ORDER BY p.ion_id ASC, p.grade ASC NULLS LAST, p.id DESC
