-- How many pairings find_pairings has an answer of: exactly, or as many as the planner's statistics lead to expect.
CREATE FUNCTION ildb.count_pairings(
    cation_smarts text DEFAULT NULL,
    anion_smarts text DEFAULT NULL,
    evidence text DEFAULT 'any',
    tm_below_k double precision DEFAULT NULL,
    passed_only boolean DEFAULT FALSE,
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
    in_domain boolean DEFAULT NULL,
    property text DEFAULT NULL,
    property_from double precision DEFAULT NULL,
    property_to double precision DEFAULT NULL,
    exact boolean DEFAULT TRUE
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    cations bigint[];
    anions bigint[];
    other_cations bigint[];
    other_anions bigint[];
    wanted text;
    plan json;
    n bigint;
BEGIN
    IF evidence IS NULL OR evidence NOT IN ('known', 'predicted', 'generated', 'any') THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('evidence is %L; it must be known, predicted, generated or any', evidence);
    ELSIF property IS NULL AND num_nonnulls(property_from, property_to) > 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'property_from and property_to need property, for example viscosity';
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
    IF passed_only THEN
        wanted := wanted || ' AND EXISTS (SELECT FROM ildb.screening_decision AS d WHERE d.pairing_id = p.id AND d.passed'
            ' AND NOT EXISTS (SELECT FROM ildb.screening_decision AS x WHERE x.pairing_id = d.pairing_id AND x.run_id > d.run_id))';
    END IF;
    IF exact THEN
        EXECUTE 'SELECT count(*) FROM ildb.pairing AS p WHERE ' || wanted
        INTO n
        USING cations, anions, other_cations, other_anions, evidence, source_name, run, tm_below_k, tm_above_k,
            min_link_probability, min_p_below_373_k, in_domain, property, property_from, property_to;
    ELSE
        EXECUTE 'EXPLAIN (FORMAT JSON) SELECT p.id FROM ildb.pairing AS p WHERE ' || wanted
        INTO plan
        USING cations, anions, other_cations, other_anions, evidence, source_name, run, tm_below_k, tm_above_k,
            min_link_probability, min_p_below_373_k, in_domain, property, property_from, property_to;
        n := round((plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric);
    END IF;
    RETURN n;
END
$$
