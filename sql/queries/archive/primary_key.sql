-- Names of a table's key columns, in the key's order.
SELECT a.attname AS name
FROM pg_index AS i
CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
INNER JOIN pg_attribute AS a ON i.indrelid = a.attrelid AND k.attnum = a.attnum
WHERE i.indrelid = to_regclass('ildb.' || :table_name) AND i.indisprimary
ORDER BY k.n
