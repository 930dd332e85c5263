-- Every table of the schema, whatever its revision: to which others it refers, and whether the cartridge makes its rows.
SELECT
    c.relname AS name,
    array(
        SELECT DISTINCT r.relname::text
        FROM pg_constraint AS k
        INNER JOIN pg_class AS r ON k.confrelid = r.oid
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid
        ORDER BY 1
    ) AS refers_to,
    EXISTS (
        SELECT FROM pg_attribute AS a
        INNER JOIN pg_type AS t ON a.atttypid = t.oid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND t.typname IN ('mol', 'qmol', 'bfp')
    ) AS is_derived
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname = 'ildb' AND c.relkind = 'r' AND c.relname <> 'alembic_version'
ORDER BY c.relname
