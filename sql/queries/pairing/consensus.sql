-- The consensus of a pairing's measured values, with their spread.
SELECT
    property,
    unit,
    temperature_k,
    pressure_kpa,
    median,
    lowest,
    highest,
    spread,
    n_values,
    n_references,
    disputed
FROM ildb.consensus_measurement
WHERE pairing_id = :pairing_id
ORDER BY property, temperature_k, pressure_kpa
