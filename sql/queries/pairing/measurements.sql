-- Every measured value of a pairing.
SELECT
    x.id,
    x.property,
    x.qualifier,
    x.value,
    x.unit,
    x.uncertainty,
    x.temperature_k,
    x.pressure_kpa,
    x.method,
    x.reference,
    x.source_key,
    x.source_id,
    s.name AS source,
    x.run_id
FROM ildb.measurement AS x
LEFT JOIN ildb.source AS s ON x.source_id = s.id
WHERE x.pairing_id = :pairing_id
ORDER BY x.property, x.temperature_k, x.pressure_kpa, x.value, x.id
