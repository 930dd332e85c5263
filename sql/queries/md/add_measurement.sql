-- What a ladder says as a measurement of its own property: an apparent melting point is no melting point, so no model
-- and no consensus takes it for one unasked. The interval stands in raw.
INSERT INTO ildb.measurement (pairing_id, property, value, unit, uncertainty, method, run_id, source_key, raw)
VALUES (
    :pairing_id, 'apparent_melting_point', :value, 'K', :uncertainty, 'md', :run_id, :source_key,
    CAST(:raw AS jsonb)
)
ON CONFLICT DO NOTHING
