-- Pairings whose cation and anion contain the patterns given, best first: passed candidates by rank, then known
-- pairings, then the rest, each by id. tm_below_k goes by the measured melting point, else the predicted one.
-- The answer of `ildb search substructure`. max_rows NULL means all.
CREATE FUNCTION ildb.find_pairings(
    cation_smarts text DEFAULT NULL,
    anion_smarts text DEFAULT NULL,
    evidence text DEFAULT 'any',
    tm_below_k double precision DEFAULT NULL,
    passed_only boolean DEFAULT FALSE,
    max_rows integer DEFAULT 100
)
RETURNS TABLE (
    pairing_id bigint, cation_smiles text, anion_smiles text, n_cation smallint, n_anion smallint,
    names text [], kinds text [], tm_k double precision, tm_predicted_k real, link_probability real,
    p_below_373_k real, passed boolean, rank integer
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    -- The ions first: thousands of them are searched, not millions of pairings.
    cations bigint[];
    anions bigint[];
    ids bigint[] := '{}';
    part bigint[];
    wanted text := 'true';
    stands CONSTANT text :=
        'd.passed AND NOT EXISTS (SELECT FROM ildb.screening_decision AS x'
        ' WHERE x.pairing_id = d.pairing_id AND x.run_id > d.run_id)';
    has_passed CONSTANT text := 'EXISTS (SELECT FROM ildb.screening_decision AS d WHERE d.pairing_id = p.id AND ' || stands || ')';
    is_known CONSTANT text := 'EXISTS (SELECT FROM ildb.pairing_evidence AS k WHERE k.pairing_id = p.id AND k.kind = ''known'')';
    statements text[];
    statement text;
BEGIN
    IF evidence IS NULL OR evidence NOT IN ('known', 'predicted', 'generated', 'any') THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('evidence is %L; it must be known, predicted, generated or any', evidence);
    ELSIF max_rows < 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = format('max_rows is %s; it must not be negative', max_rows);
    END IF;
    -- No text of the caller's goes into the statements: they differ in which of these parts they have.
    IF cation_smarts IS NOT NULL THEN
        cations := array(SELECT i.ion_id FROM ildb.find_ions(cation_smarts, 'cation') AS i);
        wanted := wanted || ' AND p.cation_id = ANY ($1)';
    END IF;
    IF anion_smarts IS NOT NULL THEN
        anions := array(SELECT i.ion_id FROM ildb.find_ions(anion_smarts, 'anion') AS i);
        wanted := wanted || ' AND p.anion_id = ANY ($2)';
    END IF;
    IF evidence <> 'any' THEN
        wanted := wanted
            || ' AND EXISTS (SELECT FROM ildb.pairing_evidence AS e WHERE e.pairing_id = p.id AND e.kind = $3)';
    END IF;
    IF tm_below_k IS NOT NULL THEN
        wanted := wanted || $sql$ AND $4 > coalesce(
            (
                SELECT c.median FROM ildb.consensus_measurement AS c
                WHERE c.pairing_id = p.id AND c.property = 'melting_point' AND c.temperature_k IS NULL
                ORDER BY c.pressure_kpa NULLS FIRST
                LIMIT 1
            ),
            (
                SELECT m.tm_k
                FROM ildb.melting_score AS m
                LEFT JOIN ildb.screening_decision AS d
                    ON m.pairing_id = d.pairing_id AND m.model_id = d.melting_model_id
                WHERE m.pairing_id = p.id
                ORDER BY d.run_id DESC NULLS LAST, m.model_id DESC
                LIMIT 1
            )
        )$sql$;
    END IF;
    statements := ARRAY[
        'SELECT p.id FROM ildb.pairing AS p INNER JOIN ildb.screening_decision AS d ON p.id = d.pairing_id'
        ' WHERE ' || stands || ' AND ' || wanted || ' ORDER BY d.rank, p.id'
    ];
    IF NOT coalesce(passed_only, FALSE) THEN
        statements := statements || ARRAY[
            'SELECT p.id FROM ildb.pairing AS p WHERE NOT ' || has_passed || ' AND ' || is_known || ' AND ' || wanted || ' ORDER BY p.id',
            'SELECT p.id FROM ildb.pairing AS p WHERE NOT ' || has_passed || ' AND NOT ' || is_known || ' AND ' || wanted || ' ORDER BY p.id'
        ];
    END IF;
    FOREACH statement IN ARRAY statements LOOP
        EXIT WHEN cardinality(ids) >= max_rows;
        EXECUTE 'SELECT array(' || statement || ' LIMIT $5)' INTO part
        USING cations, anions, evidence, tm_below_k, max_rows - cardinality(ids);
        ids := ids || part;
    END LOOP;
    RETURN QUERY SELECT * FROM ildb.describe_pairings(ids);
END
$$
