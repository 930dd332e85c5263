-- Gives ildb_owner what it needs for DDL: the objects themselves, since PostgreSQL knows no right to alter.
-- An object stays whose it is where its owner would lose it, that is, where that role is not a member of ildb_owner.
-- The audit trail stays with who made it, so that an ildb_owner cannot rewrite it; so does the schema, for its owner may
-- drop whatever is in it.
DO $$
DECLARE
    thing text;
BEGIN
    IF NOT pg_has_role(current_user, 'ildb_owner', 'USAGE') THEN
        RAISE NOTICE '% is not a member of ildb_owner and keeps the tables', current_user;
        RETURN;
    END IF;
    BEGIN
        -- Each migration asks for the schema "if not exists", which needs this right even where it does.
        EXECUTE format('GRANT CREATE ON DATABASE %I TO ildb_owner', current_database());
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'ildb_owner is not given CREATE on the database: it belongs to another role';
    END;
    GRANT ALL ON SCHEMA ildb TO ildb_owner;
    FOR thing IN
        SELECT
            CASE c.relkind WHEN 'v' THEN 'VIEW ' ELSE 'TABLE ' END || c.oid::regclass
        FROM pg_class AS c
        WHERE
            c.relnamespace = 'ildb'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname <> 'audit_event'
            AND c.relowner <> 'ildb_owner'::regrole AND pg_has_role(c.relowner, 'ildb_owner', 'USAGE')
        UNION ALL
        SELECT 'FUNCTION ' || p.oid::regprocedure
        FROM pg_proc AS p
        WHERE
            p.pronamespace = 'ildb'::regnamespace AND p.proname NOT IN ('audit_change', 'refuse_change')
            AND p.proowner <> 'ildb_owner'::regrole AND pg_has_role(p.proowner, 'ildb_owner', 'USAGE')
    LOOP
        EXECUTE format('ALTER %s OWNER TO ildb_owner', thing);
    END LOOP;
    -- Only for what ildb_owner itself makes from now on; what others make they grant by the rule of their own.
    ALTER DEFAULT PRIVILEGES FOR ROLE ildb_owner IN SCHEMA ildb
    GRANT SELECT ON TABLES TO ildb_curator, ildb_runner, ildb_reader;
END
$$
