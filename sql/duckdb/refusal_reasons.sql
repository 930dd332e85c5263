-- Why candidates were refused: how many fail each check, and for how many it is the only one they fail.
WITH failed AS (
    SELECT
        c.pairing_id,
        r.reason ->> '$.code' AS code
    FROM candidate AS c
    CROSS JOIN unnest(from_json(c.reasons, '["JSON"]')) AS r (reason)
    WHERE NOT c.passed AND (r.reason ->> '$.ok') = 'false'
),

counted AS (
    SELECT
        code,
        count(*) OVER (PARTITION BY pairing_id) AS n_failed
    FROM failed
)

SELECT
    code,
    count(*) AS n_candidates,
    count(*) FILTER (WHERE n_failed = 1) AS n_only_this
FROM counted
GROUP BY code
ORDER BY n_candidates DESC, code ASC
