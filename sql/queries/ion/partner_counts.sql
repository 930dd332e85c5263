-- How many pairings an ion has, by kind of evidence.
SELECT
    count(*) AS n_pairings,
    count(*) FILTER (WHERE e.known) AS n_known,
    count(*) FILTER (WHERE e.predicted) AS n_predicted,
    count(*) FILTER (WHERE e.generated) AS n_generated
FROM ildb.pairing AS p
CROSS JOIN
    LATERAL (
        SELECT
            bool_or(ev.kind = 'known') AS known,
            bool_or(ev.kind = 'predicted') AS predicted,
            bool_or(ev.kind = 'generated') AS generated
        FROM ildb.pairing_evidence AS ev
        WHERE ev.pairing_id = p.id
    ) AS e
WHERE :ion_id IN (p.cation_id, p.anion_id)
