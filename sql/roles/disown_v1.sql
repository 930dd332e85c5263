-- The reverse of own: the migrating user takes back what ildb_owner holds in this database.
DO $$
DECLARE
    thing text;
BEGIN
    IF NOT pg_has_role(current_user, 'ildb_owner', 'USAGE') THEN
        RETURN;
    END IF;
    ALTER DEFAULT PRIVILEGES FOR ROLE ildb_owner IN SCHEMA ildb
    REVOKE SELECT ON TABLES FROM ildb_curator, ildb_runner, ildb_reader;
    IF current_user = 'ildb_owner' THEN
        RETURN;
    END IF;
    FOR thing IN
        SELECT
            CASE c.relkind WHEN 'v' THEN 'VIEW ' ELSE 'TABLE ' END || c.oid::regclass
        FROM pg_class AS c
        WHERE
            c.relnamespace = 'ildb'::regnamespace AND c.relkind IN ('r', 'v') AND c.relowner = 'ildb_owner'::regrole
        UNION ALL
        SELECT 'FUNCTION ' || p.oid::regprocedure
        FROM pg_proc AS p
        WHERE p.pronamespace = 'ildb'::regnamespace AND p.proowner = 'ildb_owner'::regrole
    LOOP
        EXECUTE format('ALTER %s OWNER TO CURRENT_USER', thing);
    END LOOP;
    BEGIN
        EXECUTE format('REVOKE CREATE ON DATABASE %I FROM ildb_owner', current_database());
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;  -- it was not this user's to give either
    END;
END
$$
