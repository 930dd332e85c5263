-- Mark those of the ions :ion_ids (NULL for all) that this server's cartridge cannot read: substructure and similarity
-- search do not see them.
UPDATE ildb.ion AS i
SET flags = array_append(i.flags, 'no_structure')
WHERE
    (cast(:ion_ids AS bigint []) IS NULL OR i.id = any(cast(:ion_ids AS bigint [])))
    AND NOT 'no_structure' = any(i.flags)
    AND NOT EXISTS (SELECT FROM ildb.ion_structure AS s WHERE s.ion_id = i.id)
