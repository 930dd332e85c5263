-- Whether the cartridge, often older than the Python RDKit, reads a pattern; if not, a search would find nothing.
SELECT qmol_from_smarts(cast(:smarts AS cstring)) IS NOT NULL AS readable
