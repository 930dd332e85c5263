-- Passed candidates of a run (the latest that decided anything, unless one is named), best first.
SELECT *
FROM ildb.candidate
WHERE passed AND run_id = coalesce(:run_id, (SELECT max(run_id) FROM ildb.screening_decision))
ORDER BY rank
LIMIT :top
