-- Columns of a table in order, with their types; generated ones come back by themselves.
SELECT
    attname AS name,
    format_type(atttypid, atttypmod) AS type
FROM pg_attribute
WHERE attrelid = to_regclass('ildb.' || :table_name) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum
