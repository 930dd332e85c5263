-- One row per pairing, property and state: the median of all exact values, how many there are and how far apart.
-- A value that one reference gives counts once, however many sources or rows repeat it; a source that names no
-- reference stands for itself.
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
    count(DISTINCT origin) AS n_references,
    property = 'melting_point' AND max(value) - min(value) > 15 AS disputed
FROM (
    SELECT DISTINCT
        m.pairing_id,
        m.property,
        m.unit,
        m.temperature_k,
        m.pressure_kpa,
        m.value,
        coalesce(m.reference, s.name, 'run ' || m.run_id) AS origin
    FROM ildb.measurement AS m
    LEFT JOIN ildb.source AS s ON m.source_id = s.id
    WHERE m.qualifier = '='
) AS distinct_value
GROUP BY pairing_id, property, unit, temperature_k, pressure_kpa
