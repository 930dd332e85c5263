-- Whether the cartridge, often older than the Python RDKit, reads a structure; if not, a search would find nothing.
SELECT mol_from_smiles(cast(:smiles AS cstring)) IS NOT NULL AS readable
