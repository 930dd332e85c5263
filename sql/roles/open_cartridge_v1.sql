-- The reverse of close_cartridge.
GRANT USAGE ON SCHEMA public TO PUBLIC;
REVOKE USAGE ON SCHEMA public FROM ildb_owner, ildb_curator, ildb_runner;

DO $$
DECLARE
    function regprocedure;
BEGIN
    -- With the casts that use them.
    FOR function IN
        SELECT p.oid::regprocedure FROM pg_proc AS p
        WHERE
            p.pronamespace = 'ildb'::regnamespace
            AND p.proname IN ('refused_structure', 'refused_structures', 'checked_mol')
    LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', function);
    END LOOP;
END
$$;

DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT p.oid::regprocedure FROM pg_proc AS p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl::text LIKE '%ildb\_runner=X%'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM ildb_owner, ildb_curator, ildb_runner', function);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', function);
    END LOOP;
END
$$
