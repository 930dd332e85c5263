-- One decision at a time about whether a run with this key exists (released at commit).
SELECT pg_advisory_xact_lock(hashtextextended('ildb.run.' || :run_key, 0))
