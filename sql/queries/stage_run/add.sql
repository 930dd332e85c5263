-- The key of a waiting stage is 'forced' when no earlier result may answer for it.
INSERT INTO ildb.stage_run (run_id, position, name, uses, version, params, needs, stage_key)
VALUES (
    :run_id, :position, :name, :uses, :version, :params, :needs, CASE WHEN cast(:force AS boolean) THEN 'forced' END
)
