-- Force fields of an ion, or why there is none, newest first.
SELECT
    p.id,
    p.run_id,
    p.backend,
    p.grade,
    p.charge_method,
    p.charges_asked,
    p.refusal,
    p.gate_reference,
    p.gate_angle_deg,
    p.gate_distance_nm,
    p.gate_strain,
    p.max_penalty
FROM ildb.md_parameters AS p
WHERE p.ion_id = :ion_id
ORDER BY p.id DESC
