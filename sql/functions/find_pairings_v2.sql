-- Pairings whose cation and anion contain the patterns given, best first: passed candidates by rank, then known
-- pairings, then the rest, each by id. The answer of `ildb search substructure`. max_rows NULL means all.
-- *_any: at least one of these patterns; *_none: none of them; *_similar: a SMILES as ildb shows it.
-- tm_below_k and tm_above_k go by the measured melting point, else the predicted one; the scores are those the latest
-- decision rests on, else the newest.
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
    after text DEFAULT NULL
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
    wanted text := 'true';
    stands CONSTANT text :=
        'd.passed AND NOT EXISTS (SELECT FROM ildb.screening_decision AS x'
        ' WHERE x.pairing_id = d.pairing_id AND x.run_id > d.run_id)';
    has_passed CONSTANT text := 'EXISTS (SELECT FROM ildb.screening_decision AS d WHERE d.pairing_id = p.id AND ' || stands || ')';
    is_known CONSTANT text := 'EXISTS (SELECT FROM ildb.pairing_evidence AS k WHERE k.pairing_id = p.id AND k.kind = ''known'')';
    scored CONSTANT text := '(SELECT m.%s FROM ildb.melting_score AS m WHERE m.pairing_id = p.id ORDER BY coalesce(m.model_id = ('
        'SELECT d.melting_model_id FROM ildb.screening_decision AS d WHERE d.pairing_id = p.id ORDER BY d.run_id DESC LIMIT 1'
        '), FALSE) DESC, m.model_id DESC LIMIT 1)';
    tm CONSTANT text := 'coalesce((SELECT c.median FROM ildb.consensus_measurement AS c WHERE c.pairing_id = p.id'
        ' AND c.property = ''melting_point'' AND c.temperature_k IS NULL ORDER BY c.pressure_kpa NULLS FIRST LIMIT 1), '
        || format(scored, 'tm_k') || ')';
    link CONSTANT text := '(SELECT l.probability FROM ildb.link_score AS l WHERE l.pairing_id = p.id ORDER BY coalesce(l.run_id = ('
        'SELECT d.link_run_id FROM ildb.screening_decision AS d WHERE d.pairing_id = p.id ORDER BY d.run_id DESC LIMIT 1'
        '), FALSE) DESC, l.run_id DESC, l.round DESC LIMIT 1)';
    statements text[];
    from_part integer := 1;
    from_rank integer := 0;
    from_id bigint := 0;
    behind text;
BEGIN
    IF evidence IS NULL OR evidence NOT IN ('known', 'predicted', 'generated', 'any') THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('evidence is %L; it must be known, predicted, generated or any', evidence);
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
    -- No text of the caller's goes into the statements: they differ in which of these parts they have.
    IF num_nonnulls(cation_smarts, cation_any, cation_similar) > 0 THEN
        cations := ildb.ions_of_side('cation', cation_smarts, cation_any, cation_similar, threshold);
        wanted := wanted || ' AND p.cation_id = ANY ($1)';
    END IF;
    IF num_nonnulls(anion_smarts, anion_any, anion_similar) > 0 THEN
        anions := ildb.ions_of_side('anion', anion_smarts, anion_any, anion_similar, threshold);
        wanted := wanted || ' AND p.anion_id = ANY ($2)';
    END IF;
    IF cation_none IS NOT NULL THEN
        other_cations := ildb.ions_of_side('cation', NULL, cation_none, NULL, threshold);
        wanted := wanted || ' AND p.cation_id <> ALL ($6)';
    END IF;
    IF anion_none IS NOT NULL THEN
        other_anions := ildb.ions_of_side('anion', NULL, anion_none, NULL, threshold);
        wanted := wanted || ' AND p.anion_id <> ALL ($7)';
    END IF;
    IF evidence <> 'any' THEN
        wanted := wanted
            || ' AND EXISTS (SELECT FROM ildb.pairing_evidence AS e WHERE e.pairing_id = p.id AND e.kind = $3)';
    END IF;
    IF source_name IS NOT NULL THEN
        wanted := wanted || ' AND EXISTS (SELECT FROM ildb.pairing_evidence AS e INNER JOIN ildb.source AS s'
            ' ON e.source_id = s.id WHERE e.pairing_id = p.id AND s.name = $8)';
    END IF;
    IF run IS NOT NULL THEN
        wanted := wanted || ' AND p.id IN (SELECT e.pairing_id FROM ildb.pairing_evidence AS e WHERE e.run_id = $9'
            ' UNION ALL SELECT l.pairing_id FROM ildb.link_score AS l WHERE l.run_id = $9'
            ' UNION ALL SELECT m.pairing_id FROM ildb.melting_score AS m WHERE m.run_id = $9'
            ' UNION ALL SELECT d.pairing_id FROM ildb.screening_decision AS d WHERE d.run_id = $9)';
    END IF;
    -- Each has a coarse condition that an index answers before the exact one.
    IF tm_below_k IS NOT NULL THEN
        wanted := wanted || ' AND p.id IN (SELECT c.pairing_id FROM ildb.measurement AS c WHERE c.property = ''melting_point'''
            ' AND c.value < $4 UNION ALL SELECT m.pairing_id FROM ildb.melting_score AS m WHERE m.tm_k < $4) AND $4 > ' || tm;
    END IF;
    IF tm_above_k IS NOT NULL THEN
        wanted := wanted || ' AND p.id IN (SELECT c.pairing_id FROM ildb.measurement AS c WHERE c.property = ''melting_point'''
            ' AND c.value >= $10 UNION ALL SELECT m.pairing_id FROM ildb.melting_score AS m WHERE m.tm_k >= $10) AND $10 <= ' || tm;
    END IF;
    IF min_link_probability IS NOT NULL THEN
        wanted := wanted || ' AND p.id IN (SELECT l.pairing_id FROM ildb.link_score AS l WHERE l.probability >= $11) AND $11 <= ' || link;
    END IF;
    IF min_p_below_373_k IS NOT NULL THEN
        wanted := wanted || ' AND p.id IN (SELECT m.pairing_id FROM ildb.melting_score AS m WHERE m.p_below_373_k >= $12) AND $12 <= '
            || format(scored, 'p_below_373_k');
    END IF;
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
            WHEN i = 1 THEN ' AND (d.rank, d.pairing_id) > ($13, $14)'
            ELSE ' AND p.id > $14'
        END;
        EXECUTE 'SELECT coalesce(array_agg(f.id ORDER BY f.n), ''{}'') AS ids,'
            ' coalesce(array_agg($15 || f.at || '':'' || f.id ORDER BY f.n), ''{}'') AS places'
            ' FROM (SELECT g.*, row_number() OVER () AS n FROM (' || format(statements[i], behind) || ' LIMIT $5) AS g) AS f'
        INTO part
        USING cations, anions, evidence, tm_below_k, max_rows - cardinality(ids), other_cations, other_anions,
            source_name, run, tm_above_k, min_link_probability, min_p_below_373_k, from_rank, from_id, i || ':';
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
