-- Pairings whose cation and anion contain the patterns given, best first: passed candidates by rank, then known
-- pairings, then the rest, each by id. The answer of `ildb search substructure`. max_rows NULL means all.
-- *_any: at least one of these patterns; *_none: none of them; *_similar: a SMILES as ildb shows it.
-- tm_below_k and tm_above_k go by the measured melting point, else the predicted one; the scores are those the latest
-- decision rests on, else the newest. property_from and property_to, in the property's unit, go by any exact measured value.
-- Each row has its place; the page behind it is asked for by `after => place` of its last row.
CREATE FUNCTION ildb.find_pairings(
    cation_smarts text DEFAULT NULL,
    anion_smarts text DEFAULT NULL,
    evidence text DEFAULT 'any',
    tm_below_k double precision DEFAULT NULL,
    passed_only boolean DEFAULT FALSE,
    max_rows integer DEFAULT 100,
    cation_any text [] DEFAULT NULL,
    anion_any text [] DEFAULT NULL,
    cation_none text [] DEFAULT NULL,
    anion_none text [] DEFAULT NULL,
    cation_similar text DEFAULT NULL,
    anion_similar text DEFAULT NULL,
    threshold double precision DEFAULT 0.5,
    tm_above_k double precision DEFAULT NULL,
    min_link_probability real DEFAULT NULL,
    min_p_below_373_k real DEFAULT NULL,
    source_name text DEFAULT NULL,
    run bigint DEFAULT NULL,
    after text DEFAULT NULL,
    in_domain boolean DEFAULT NULL,
    property text DEFAULT NULL,
    property_from double precision DEFAULT NULL,
    property_to double precision DEFAULT NULL
)
RETURNS TABLE (
    pairing_id bigint, cation_smiles text, anion_smiles text, n_cation smallint, n_anion smallint,
    names text [], kinds text [], tm_k double precision, tm_predicted_k real, link_probability real,
    p_below_373_k real, passed boolean, rank integer, place text
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    -- The ions first: thousands of them are searched, not millions of pairings.
    cations bigint[];
    anions bigint[];
    other_cations bigint[];
    other_anions bigint[];
    ids bigint[] := '{}';
    places text[] := '{}';
    part record;
    wanted text;
    stands CONSTANT text :=
        'd.passed AND NOT EXISTS (SELECT FROM ildb.screening_decision AS x'
        ' WHERE x.pairing_id = d.pairing_id AND x.run_id > d.run_id)';
    has_passed CONSTANT text := 'EXISTS (SELECT FROM ildb.screening_decision AS d WHERE d.pairing_id = p.id AND ' || stands || ')';
    is_known CONSTANT text := 'EXISTS (SELECT FROM ildb.pairing_evidence AS k WHERE k.pairing_id = p.id AND k.kind = ''known'')';
    statements text[];
    from_part integer := 1;
    from_rank integer := 0;
    from_id bigint := 0;
    behind text;
BEGIN
    IF evidence IS NULL OR evidence NOT IN ('known', 'predicted', 'generated', 'any') THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('evidence is %L; it must be known, predicted, generated or any', evidence);
    ELSIF property IS NULL AND num_nonnulls(property_from, property_to) > 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'property_from and property_to need property, for example viscosity';
    ELSIF max_rows < 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = format('max_rows is %s; it must not be negative', max_rows);
    ELSIF after IS NOT NULL AND after !~ '^[1-3]:\d{1,9}:\d{1,18}$' THEN
        RAISE invalid_parameter_value USING MESSAGE = format('after is %L; it must be the place of a row', left(after, 40));
    END IF;
    IF after IS NOT NULL THEN
        from_part := split_part(after, ':', 1)::integer;
        from_rank := split_part(after, ':', 2)::integer;
        from_id := split_part(after, ':', 3)::bigint;
    END IF;
    IF num_nonnulls(cation_smarts, cation_any, cation_similar) > 0 THEN
        cations := ildb.ions_of_side('cation', cation_smarts, cation_any, cation_similar, threshold);
    END IF;
    IF num_nonnulls(anion_smarts, anion_any, anion_similar) > 0 THEN
        anions := ildb.ions_of_side('anion', anion_smarts, anion_any, anion_similar, threshold);
    END IF;
    IF cation_none IS NOT NULL THEN
        other_cations := ildb.ions_of_side('cation', NULL, cation_none, NULL, threshold);
    END IF;
    IF anion_none IS NOT NULL THEN
        other_anions := ildb.ions_of_side('anion', NULL, anion_none, NULL, threshold);
    END IF;
    wanted := ildb.pairing_conditions(
        cations IS NOT NULL, anions IS NOT NULL, cation_none IS NOT NULL, anion_none IS NOT NULL, evidence <> 'any',
        source_name IS NOT NULL, run IS NOT NULL, tm_below_k IS NOT NULL, tm_above_k IS NOT NULL,
        min_link_probability IS NOT NULL, min_p_below_373_k IS NOT NULL, in_domain IS NOT NULL, property IS NOT NULL
    );
    statements := ARRAY[
        'SELECT p.id, d.rank AS at FROM ildb.pairing AS p INNER JOIN ildb.screening_decision AS d ON p.id = d.pairing_id'
        ' WHERE ' || stands || ' AND ' || wanted || '%s ORDER BY d.rank, d.pairing_id'
    ];
    IF NOT coalesce(passed_only, FALSE) THEN
        statements := statements || ARRAY[
            'SELECT p.id, 0 AS at FROM ildb.pairing AS p WHERE NOT ' || has_passed || ' AND ' || is_known || ' AND ' || wanted || '%s ORDER BY p.id',
            'SELECT p.id, 0 AS at FROM ildb.pairing AS p WHERE NOT ' || has_passed || ' AND NOT ' || is_known || ' AND ' || wanted || '%s ORDER BY p.id'
        ];
    END IF;
    FOR i IN from_part .. cardinality(statements) LOOP
        EXIT WHEN cardinality(ids) >= max_rows;
        behind := CASE
            WHEN after IS NULL OR i > from_part THEN ''
            WHEN i = 1 THEN ' AND (d.rank, d.pairing_id) > ($16, $17)'
            ELSE ' AND p.id > $17'
        END;
        EXECUTE 'SELECT coalesce(array_agg(f.id ORDER BY f.n), ''{}'') AS ids,'
            ' coalesce(array_agg($18 || f.at || '':'' || f.id ORDER BY f.n), ''{}'') AS places'
            ' FROM (SELECT g.*, row_number() OVER () AS n FROM (' || format(statements[i], behind) || ' LIMIT $19) AS g) AS f'
        INTO part
        USING cations, anions, other_cations, other_anions, evidence, source_name, run, tm_below_k, tm_above_k,
            min_link_probability, min_p_below_373_k, in_domain, property, property_from, property_to, from_rank, from_id, i || ':',
            max_rows - cardinality(ids);
        ids := ids || part.ids;
        places := places || part.places;
    END LOOP;
    RETURN QUERY
    SELECT
        f.*,
        places[row_number() OVER ()]
    FROM ildb.describe_pairings(ids) AS f;
END
$$
