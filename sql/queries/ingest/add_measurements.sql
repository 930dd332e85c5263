-- Values that this source has not given before. Answers which records were the first to give one.
WITH claim AS (
    SELECT DISTINCT ON (
        p.id, m.property, m.qualifier, m.value, m.unit, m.temperature_k, m.pressure_kpa, m.reference, r.source_key
    )
        p.id AS pairing_id,
        r.record_no,
        r.source_key,
        m.property,
        m.qualifier,
        m.value,
        m.unit,
        m.uncertainty,
        m.temperature_k,
        m.pressure_kpa,
        m.method,
        m.reference,
        m.raw
    FROM pg_temp.stage_measurement AS m
    INNER JOIN pg_temp.stage_record AS r ON m.record_no = r.record_no
    CROSS JOIN LATERAL (
        SELECT id FROM ildb.pairing WHERE cation_id = r.cation_id AND anion_id = r.anion_id LIMIT 1
    ) AS p
    ORDER BY
        p.id ASC,
        m.property ASC,
        m.qualifier ASC,
        m.value ASC,
        m.unit ASC,
        m.temperature_k ASC,
        m.pressure_kpa ASC,
        m.reference ASC,
        r.source_key ASC,
        r.record_no ASC
),

added AS (
    INSERT INTO ildb.measurement (
        pairing_id, property, qualifier, value, unit, uncertainty, temperature_k, pressure_kpa,
        method, source_id, source_key, reference, raw
    )
    SELECT
        pairing_id, property, qualifier, value, unit, uncertainty, temperature_k, pressure_kpa,
        method, :source_id, source_key, reference, raw
    FROM claim
    ORDER BY record_no
    ON CONFLICT DO NOTHING
    RETURNING pairing_id, property, qualifier, value, unit, temperature_k, pressure_kpa, reference, source_key
)

SELECT c.record_no
FROM claim AS c
INNER JOIN added AS d
    ON
        c.pairing_id = d.pairing_id
        AND c.property = d.property
        AND c.qualifier = d.qualifier
        AND c.value = d.value
        AND c.unit = d.unit
        AND c.temperature_k IS NOT DISTINCT FROM d.temperature_k
        AND c.pressure_kpa IS NOT DISTINCT FROM d.pressure_kpa
        AND c.reference IS NOT DISTINCT FROM d.reference
        AND c.source_key = d.source_key
