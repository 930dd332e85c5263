-- Ids of the ions of one side that contain a pattern, at least one of several, and resemble a structure; NULL for what
-- is not asked.
CREATE FUNCTION ildb.ions_of_side(
    side text, smarts text, any_smarts text [], similar_to text, threshold double precision
)
RETURNS bigint []
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    found bigint[];
    more bigint[];
    part bigint[];
    pattern text;
BEGIN
    IF smarts IS NOT NULL THEN
        found := array(SELECT i.ion_id FROM ildb.find_ions(smarts, side) AS i);
    END IF;
    IF any_smarts IS NOT NULL THEN
        more := '{}';
        FOREACH pattern IN ARRAY any_smarts LOOP
            part := array(SELECT i.ion_id FROM ildb.find_ions(pattern, side) AS i);
            more := array(SELECT unnest(more) UNION SELECT unnest(part));
        END LOOP;
        found := CASE WHEN found IS NULL THEN more ELSE array(SELECT unnest(found) INTERSECT SELECT unnest(more)) END;
    END IF;
    IF similar_to IS NOT NULL THEN
        more := array(
            SELECT i.ion_id
            FROM ildb.similar_ions(similar_to, side, threshold, CASE WHEN threshold = 0 THEN 20 ELSE 2147483647 END) AS i
        );
        found := CASE WHEN found IS NULL THEN more ELSE array(SELECT unnest(found) INTERSECT SELECT unnest(more)) END;
    END IF;
    RETURN found;
END
$$
