-- Whether a table of ildb exists: some came with later migrations.
SELECT to_regclass('ildb.' || cast(:name AS text)) IS NOT NULL AS found
