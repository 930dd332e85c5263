-- How often one row of a source has two values of one property, as when it was read twice in different units.
SELECT count(*) AS n
FROM (
    SELECT m.pairing_id
    FROM ildb.measurement AS m
    INNER JOIN ildb.source AS s ON m.source_id = s.id
    WHERE s.name = :name AND s.sha256 = :sha256
    GROUP BY m.pairing_id, m.property, m.qualifier, m.temperature_k, m.pressure_kpa, m.reference, m.source_key
    HAVING count(DISTINCT m.value) > 1
) AS twice
