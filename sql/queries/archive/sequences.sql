-- Identity columns of the schema's tables, with the sequence behind each.
SELECT
    c.relname AS table_name,
    a.attname AS column_name,
    pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) AS sequence
FROM pg_attribute AS a
INNER JOIN pg_class AS c ON a.attrelid = c.oid
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname = 'ildb' AND c.relkind = 'r' AND a.attidentity <> '' AND NOT a.attisdropped
ORDER BY c.relname, a.attname
