-- How far each ion has been looked at: its pairings that are known, proposed, screened and passed, and how many of them
-- have a measured melting point. Ions with proposals but no known pairing are where the models guess most.
WITH side AS (
    SELECT
        id AS pairing_id,
        unnest([cation_id, anion_id]) AS ion_id
    FROM pairing
),

known AS (
    SELECT DISTINCT pairing_id
    FROM pairing_evidence
    WHERE kind = 'known'
),

proposed AS (
    SELECT DISTINCT pairing_id
    FROM pairing_evidence
    WHERE kind <> 'known'
),

melting AS (
    SELECT DISTINCT pairing_id
    FROM measurement
    WHERE property = 'melting_point'
)

SELECT
    i.id AS ion_id,
    i.smiles,
    i.charge,
    count(s.pairing_id) AS n_pairings,
    count(k.pairing_id) AS n_known,
    count(p.pairing_id) AS n_proposed,
    count(m.pairing_id) AS n_measured,
    count(c.pairing_id) AS n_screened,
    count(*) FILTER (WHERE c.passed) AS n_passed
FROM ion AS i
LEFT JOIN side AS s ON i.id = s.ion_id
LEFT JOIN known AS k ON s.pairing_id = k.pairing_id
LEFT JOIN proposed AS p ON s.pairing_id = p.pairing_id
LEFT JOIN melting AS m ON s.pairing_id = m.pairing_id
LEFT JOIN candidate AS c ON s.pairing_id = c.pairing_id
GROUP BY i.id, i.smiles, i.charge
ORDER BY n_passed DESC, n_known DESC, ion_id ASC
