WITH unmarked AS (
    UPDATE ildb.ion SET flags = array_remove(flags, 'no_structure') WHERE 'no_structure' = any(flags)
)

DELETE FROM ildb.ion_structure
