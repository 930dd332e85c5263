-- Versions of the server and of its cartridge, and how long fingerprints are.
SELECT
    current_setting('server_version') AS server_version,
    rdkit_toolkit_version() AS cartridge_rdkit,
    current_setting('rdkit.morgan_fp_size') AS morgan_fp_size
