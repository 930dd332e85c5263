-- One runner at a time decides whether a stage of this kind is computed, reused or shared (released at commit).
SELECT pg_try_advisory_xact_lock(hashtextextended('ildb.stage.' || :uses, 0))
