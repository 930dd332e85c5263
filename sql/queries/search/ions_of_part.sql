-- The ions of one range of ids.
SELECT
    id,
    smiles
FROM ildb.ion
WHERE id >= cast(:part AS bigint) * :ids_per_part AND id < (cast(:part AS bigint) + 1) * :ids_per_part
ORDER BY id
