-- Take down a decision. Earlier ones stay.
UPDATE ildb.quarantine
SET
    status = :status,
    resolved_at = CASE WHEN :status <> 'open' THEN clock_timestamp() END,
    resolution = jsonb_build_object(
        'decisions', coalesce(resolution -> 'decisions', '[]'::jsonb) || cast(:decision AS jsonb)
    )
WHERE id = :id
