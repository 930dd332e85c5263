-- Keeps whoever is only a reader from building a structure of any size: nothing stops the server inside one call of the
-- cartridge, and repeat('C', 5000)::mol is such a call. The functions of schema ildb check what they are given.
-- 1. A reader cannot name the cartridge's types, functions and operators, which are in schema public.
-- 2. The rows of ion_structure have a name in schema ildb and hold a mol: no long text becomes one, by whatever cast.
-- 3. Functions that read a text as any type, or run a text as a query, are for the other roles. (What reads the values of
--    columns and parameters needs no right, so nothing else changes.)
-- It needs a superuser. On a server of the user's own it is theirs to run: docs/dba.md.
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ildb_owner, ildb_curator, ildb_runner;

DO $$
DECLARE
    given text;
BEGIN
    -- The types of long texts; a cast takes a function of exactly its type.
    FOREACH given IN ARRAY '{text, varchar, bpchar}'::text [] LOOP
        EXECUTE format($f$
            CREATE FUNCTION ildb.refused_structure(given %1$s) RETURNS ildb.ion_structure
            LANGUAGE plpgsql IMMUTABLE
            AS 'BEGIN RAISE insufficient_privilege USING MESSAGE = ''a text is not made a structure''; END'
        $f$, given);
        EXECUTE format($f$
            CREATE FUNCTION ildb.refused_structures(given %1$s) RETURNS ildb.ion_structure []
            LANGUAGE plpgsql IMMUTABLE
            AS 'BEGIN RAISE insufficient_privilege USING MESSAGE = ''a text is not made a structure''; END'
        $f$, given);
        EXECUTE format(
            'CREATE CAST (%1$s AS ildb.ion_structure) WITH FUNCTION ildb.refused_structure(%1$s)', given
        );
        EXECUTE format(
            'CREATE CAST (%1$s AS ildb.ion_structure []) WITH FUNCTION ildb.refused_structures(%1$s)', given
        );
    END LOOP;
END
$$;
-- From text and varchar the cartridge has casts of its own, by functions that a reader cannot resolve.
CREATE FUNCTION ildb.checked_mol(given bpchar) RETURNS public.mol
LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN ildb.checked_smiles(given::text); END $$;
CREATE CAST (bpchar AS public.mol) WITH FUNCTION ildb.checked_mol(bpchar);

DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT p.oid::regprocedure FROM pg_proc AS p
        WHERE
            p.pronamespace = 'pg_catalog'::regnamespace
            AND (
                p.proname IN (
                    'array_in', 'array_recv', 'record_in', 'record_recv', 'domain_in', 'domain_recv',
                    'range_in', 'range_recv', 'multirange_in', 'multirange_recv',
                    'pg_input_is_valid', 'pg_input_error_info',
                    'query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema', 'ts_stat'
                )
                OR p.proname ~ '^jsonb?_(populate_record|populate_recordset|populate_record_valid|to_record|to_recordset)$'
                OR (p.proname = 'ts_rewrite' AND p.pronargs = 2)
            )
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO ildb_owner, ildb_curator, ildb_runner', function);
    END LOOP;
END
$$
