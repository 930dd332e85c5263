-- Stages that go on, now or when their run is resumed.
SELECT id FROM ildb.stage_run
WHERE status IN ('waiting', 'running', 'failed')
