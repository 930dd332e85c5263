CREATE FUNCTION ildb.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('%I is append-only: %s is refused', tg_table_name, tg_op);
END
$$
