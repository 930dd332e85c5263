-- Records once refused that this reading could make sense of. The row and its earlier decisions stay.
UPDATE ildb.quarantine
SET
    status = 'accepted',
    resolved_at = clock_timestamp(),
    resolution = jsonb_build_object(
        'decisions', coalesce(resolution -> 'decisions', '[]'::jsonb) || cast(:decision AS jsonb)
    )
WHERE id = any(:ids) AND status = 'open'
