-- An ion's force field; nothing if another run has stored one of the same method meanwhile.
INSERT INTO ildb.md_parameters (
    run_id, ion_id, method_key, charges_asked, refusal, backend, grade, charge_method, n_atoms, gate_reference,
    gate_angle_deg, gate_distance_nm, gate_hot_distance_nm, gate_strain, max_penalty, provenance, content_sha256,
    artifact_id, cpu_s
)
VALUES (
    :run_id, :ion_id, :method_key, :charges_asked, :refusal, :backend, :grade, :charge_method, :n_atoms, :gate_reference,
    :gate_angle_deg, :gate_distance_nm, :gate_hot_distance_nm, :gate_strain, :max_penalty, :provenance, :content_sha256,
    :artifact_id, :cpu_s
)
ON CONFLICT (ion_id, method_key) DO NOTHING
RETURNING id
