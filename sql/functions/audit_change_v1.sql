-- Writes a row of audit_event for each row that was changed or deleted, and one for a TRUNCATE.
-- It runs as its owner, for nobody else may write there; so the caller's role is what SET ROLE left in the setting.
CREATE FUNCTION ildb.audit_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was jsonb;
    row_id bigint;
BEGIN
    IF tg_op <> 'TRUNCATE' THEN
        row_id := old.id;
    END IF;
    IF tg_op = 'UPDATE' THEN
        SELECT jsonb_object_agg(o.key, o.value) INTO was
        FROM jsonb_each(to_jsonb(old)) AS o
        WHERE o.value IS DISTINCT FROM to_jsonb(new) -> o.key;
    ELSIF tg_op = 'DELETE' THEN
        was := to_jsonb(old);
    END IF;
    INSERT INTO ildb.audit_event (transaction_id, login, role, table_name, action, row_id, was)
    VALUES (
        pg_current_xact_id()::text::bigint,
        session_user,
        coalesce(nullif(current_setting('role', true), 'none'), session_user),
        tg_table_name,
        tg_op,
        row_id,
        was
    );
    RETURN NULL;
END
$$
