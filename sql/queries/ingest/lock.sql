-- One curation batch at a time: two at once would only deadlock over the same ions.
SELECT pg_advisory_xact_lock(hashtext('ildb.ingest'))
