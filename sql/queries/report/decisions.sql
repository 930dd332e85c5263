-- How many candidates of a run have which checks against them, in the order of the checks; how many passed or were picked.
-- The checks of a decision are the same for all, so their order is that of any one.
SELECT
    d.passed,
    d.pick_order IS NOT NULL AS picked,
    against.codes AS failed,
    count(*) AS n_pairings
FROM ildb.screening_decision AS d
CROSS JOIN LATERAL (
    SELECT array(
        SELECT r.reason ->> 'code'
        FROM jsonb_array_elements(jsonb_path_query_array(d.reasons, '$[*] ? (@.ok == false)')) WITH ORDINALITY
            AS r (reason, place)
        ORDER BY r.place
    ) AS codes
) AS against
WHERE d.run_id = :run_id
GROUP BY d.passed, picked, against.codes
ORDER BY n_pairings DESC, failed
