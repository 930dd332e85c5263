-- One runner at a time looks whether its block is the last; held until commit, so the next one sees this one's file.
SELECT pg_advisory_xact_lock(hashtextextended('links.expand ' || :stage_run_id, 0))
