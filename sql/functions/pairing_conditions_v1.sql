-- What the pairings wanted must satisfy, as conditions on ildb.pairing AS p, for find_pairings and count_pairings. No text
-- of the caller's is in them: they differ in which parts they have, and their parameters are
-- $1 cations, $2 anions, $3 cations and $4 anions that must not be there, $5 evidence, $6 source, $7 run, $8 tm_below_k,
-- $9 tm_above_k, $10 min_link_probability, $11 min_p_below_373_k, $12 in_domain, $13 property, $14 and $15 its range.
-- An argument of this function says whether the part is wanted.
CREATE FUNCTION ildb.pairing_conditions(
    cations boolean, anions boolean, no_cations boolean, no_anions boolean, evidence boolean, source boolean, run boolean,
    tm_below boolean, tm_above boolean, link boolean, melting boolean, domain boolean, property boolean
)
RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    scored CONSTANT text := '(SELECT m.%s FROM ildb.melting_score AS m WHERE m.pairing_id = p.id ORDER BY coalesce(m.model_id = ('
        'SELECT d.melting_model_id FROM ildb.screening_decision AS d WHERE d.pairing_id = p.id ORDER BY d.run_id DESC LIMIT 1'
        '), FALSE) DESC, m.model_id DESC LIMIT 1)';
    tm CONSTANT text := 'coalesce((SELECT c.median FROM ildb.consensus_measurement AS c WHERE c.pairing_id = p.id'
        ' AND c.property = ''melting_point'' AND c.temperature_k IS NULL ORDER BY c.pressure_kpa NULLS FIRST LIMIT 1), '
        || format(scored, 'tm_k') || ')';
    probability CONSTANT text := '(SELECT l.probability FROM ildb.link_score AS l WHERE l.pairing_id = p.id'
        ' ORDER BY coalesce(l.run_id = ('
        'SELECT d.link_run_id FROM ildb.screening_decision AS d WHERE d.pairing_id = p.id ORDER BY d.run_id DESC LIMIT 1'
        '), FALSE) DESC, l.run_id DESC, l.round DESC LIMIT 1)';
    parts text [] := '{true}';
BEGIN
    IF cations THEN parts := parts || 'p.cation_id = ANY ($1)'::text; END IF;
    IF anions THEN parts := parts || 'p.anion_id = ANY ($2)'::text; END IF;
    IF no_cations THEN parts := parts || 'p.cation_id <> ALL ($3)'::text; END IF;
    IF no_anions THEN parts := parts || 'p.anion_id <> ALL ($4)'::text; END IF;
    IF evidence THEN
        parts := parts || 'EXISTS (SELECT FROM ildb.pairing_evidence AS e WHERE e.pairing_id = p.id AND e.kind = $5)'::text;
    END IF;
    IF source THEN
        parts := parts || ('EXISTS (SELECT FROM ildb.pairing_evidence AS e INNER JOIN ildb.source AS s'
            ' ON e.source_id = s.id WHERE e.pairing_id = p.id AND s.name = $6)')::text;
    END IF;
    IF run THEN
        parts := parts || ('p.id IN (SELECT e.pairing_id FROM ildb.pairing_evidence AS e WHERE e.run_id = $7'
            ' UNION ALL SELECT l.pairing_id FROM ildb.link_score AS l WHERE l.run_id = $7'
            ' UNION ALL SELECT m.pairing_id FROM ildb.melting_score AS m WHERE m.run_id = $7'
            ' UNION ALL SELECT d.pairing_id FROM ildb.screening_decision AS d WHERE d.run_id = $7)')::text;
    END IF;
    -- Each of these has a coarse condition that an index answers before the exact one.
    IF tm_below THEN
        parts := parts || ('p.id IN (SELECT c.pairing_id FROM ildb.measurement AS c WHERE c.property = ''melting_point'''
            ' AND c.value < $8 UNION ALL SELECT m.pairing_id FROM ildb.melting_score AS m WHERE m.tm_k < $8)')::text
            || ('$8 > ' || tm);
    END IF;
    IF tm_above THEN
        parts := parts || ('p.id IN (SELECT c.pairing_id FROM ildb.measurement AS c WHERE c.property = ''melting_point'''
            ' AND c.value >= $9 UNION ALL SELECT m.pairing_id FROM ildb.melting_score AS m WHERE m.tm_k >= $9)')::text
            || ('$9 <= ' || tm);
    END IF;
    IF link THEN
        parts := parts || 'p.id IN (SELECT l.pairing_id FROM ildb.link_score AS l WHERE l.probability >= $10)'::text
            || ('$10 <= ' || probability);
    END IF;
    IF melting THEN
        parts := parts || 'p.id IN (SELECT m.pairing_id FROM ildb.melting_score AS m WHERE m.p_below_373_k >= $11)'::text
            || ('$11 <= ' || format(scored, 'p_below_373_k'));
    END IF;
    IF domain THEN parts := parts || ('$12 = ' || format(scored, 'in_domain')); END IF;
    IF property THEN
        parts := parts || ('EXISTS (SELECT FROM ildb.measurement AS v WHERE v.pairing_id = p.id AND v.property = $13'
            ' AND v.qualifier = ''='' AND v.value BETWEEN coalesce($14, ''-Infinity'') AND coalesce($15, ''Infinity''))')::text;
    END IF;
    RETURN array_to_string(parts, ' AND ');
END
$$
