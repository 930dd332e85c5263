-- How many rows of everything there are. A pairing counts once for each kind of evidence it has.
SELECT
    (SELECT count(*) FROM ildb.ion) AS ions,
    (
        SELECT count(*) FROM ildb.ion
        WHERE charge > 0
    ) AS cations,
    (
        SELECT count(*) FROM ildb.ion
        WHERE charge < 0
    ) AS anions,
    (SELECT count(*) FROM ildb.pairing) AS pairings,
    (
        SELECT count(DISTINCT pairing_id) FROM ildb.pairing_evidence
        WHERE kind = 'known'
    ) AS known_pairings,
    (
        SELECT count(DISTINCT pairing_id) FROM ildb.pairing_evidence
        WHERE kind = 'predicted'
    ) AS predicted_pairings,
    (
        SELECT count(DISTINCT pairing_id) FROM ildb.pairing_evidence
        WHERE kind = 'generated'
    ) AS generated_pairings,
    (SELECT count(*) FROM ildb.measurement) AS measurements,
    (
        SELECT count(*) FROM ildb.quarantine
        WHERE status <> 'accepted'
    ) AS quarantined,
    (SELECT count(*) FROM ildb.run) AS runs,
    (SELECT count(*) FROM ildb.model) AS models,
    (SELECT count(*) FROM ildb.link_score) AS link_scores,
    (SELECT count(*) FROM ildb.generated_molecule) AS generated_molecules,
    (SELECT count(*) FROM ildb.melting_score) AS melting_scores,
    (SELECT count(*) FROM ildb.screening_decision) AS screening_decisions,
    (SELECT count(*) FROM ildb.md_simulation) AS md_simulations,
    (SELECT count(*) FROM ildb.md_melting_point) AS md_melting_points
