-- Pairings proposed by a stage that are not rows yet; stoichiometry follows from the charges.
INSERT INTO ildb.pairing (cation_id, anion_id, cation_charge, anion_charge, n_cation, n_anion)
SELECT
    c.id,
    a.id,
    c.charge,
    a.charge,
    -a.charge / gcd(c.charge::int, a.charge::int),
    c.charge / gcd(c.charge::int, a.charge::int)
FROM pg_temp.stage_link AS l
INNER JOIN ildb.ion AS c ON l.cation_inchikey = c.inchikey
INNER JOIN ildb.ion AS a ON l.anion_inchikey = a.inchikey
ORDER BY c.id, a.id
ON CONFLICT (cation_id, anion_id) DO NOTHING
