SELECT to_regclass('ildb.ingest_batch') IS NOT NULL
