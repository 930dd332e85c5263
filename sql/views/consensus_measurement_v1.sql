-- One row per pairing, property and state: the median of all exact values, how many there are and how far apart.
-- A value that one reference of one source gives twice counts once.
-- `disputed` marks melting points that differ by more than 15 K, about the RMSE between independent reports.
SELECT
    pairing_id,
    property,
    unit,
    temperature_k,
    pressure_kpa,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS median,
    min(value) AS lowest,
    max(value) AS highest,
    max(value) - min(value) AS spread,
    count(*) AS n_values,
    count(DISTINCT (source_id, reference)) AS n_references,
    property = 'melting_point' AND max(value) - min(value) > 15 AS disputed
FROM (
    SELECT DISTINCT pairing_id, property, unit, temperature_k, pressure_kpa, source_id, run_id, reference, value
    FROM ildb.measurement
    WHERE qualifier = '='
) AS distinct_value
GROUP BY pairing_id, property, unit, temperature_k, pressure_kpa
