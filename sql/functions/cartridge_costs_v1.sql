-- The cartridge declares its functions as cheap as an addition, so the planner evaluates them on every row before it
-- looks at anything else. As an estimate, a substructure match costs hundreds of additions and a parse thousands.
DO $$
DECLARE
    costly record;
BEGIN
    FOR costly IN
        SELECT
            p.oid::regprocedure AS name,
            CASE WHEN p.proname IN ('substruct', 'rsubstruct') THEN 200
                WHEN p.proname LIKE 'tanimoto%' THEN 3
                ELSE 1000
            END AS cost
        FROM pg_proc AS p
        INNER JOIN pg_depend AS x ON p.oid = x.objid AND x.classid = 'pg_proc'::regclass AND x.deptype = 'e'
        INNER JOIN pg_extension AS e ON x.refobjid = e.oid AND x.refclassid = 'pg_extension'::regclass
        WHERE
            e.extname = 'rdkit' AND p.proname IN (
                'substruct', 'rsubstruct', 'tanimoto_sml', 'tanimoto_sml_op', 'tanimoto_dist',
                'mol_from_smiles', 'qmol_from_smarts', 'morganbv_fp', 'mol_to_smiles'
            )
    LOOP
        BEGIN
            EXECUTE format('ALTER FUNCTION %s COST %s', costly.name, costly.cost);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'the cartridge belongs to another role: the costs of its functions are left as they are';
            RETURN;
        END;
    END LOOP;
END
$$
