-- The four group roles. Roles belong to the whole cluster: other databases may have made them, or be making them now.
DO $$
DECLARE
    -- The server that 'ildb db up' made listens on a private socket only, and the kernel says who is asking. Only there
    -- may ildb_reader log in itself; elsewhere that is for the administrator to decide.
    is_embedded CONSTANT boolean := current_setting('cluster_name') = 'ildb' AND current_setting('listen_addresses') = '';
    wanted text;
    refused text[] := '{}';
BEGIN
    FOREACH wanted IN ARRAY '{ildb_owner, ildb_curator, ildb_runner, ildb_reader}'::text[] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
        BEGIN
            IF wanted = 'ildb_reader' AND is_embedded THEN
                -- What hangs in the cartridge cannot be cancelled; so many sessions at most can hang.
                EXECUTE format('CREATE ROLE %I LOGIN CONNECTION LIMIT 8', wanted);
            ELSE
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
            IF wanted = 'ildb_reader' THEN
                EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', wanted);
                EXECUTE format('ALTER ROLE %I SET statement_timeout = ''60s''', wanted);
                BEGIN
                    EXECUTE format('ALTER ROLE %I SET temp_file_limit = ''4GB''', wanted);
                EXCEPTION WHEN insufficient_privilege THEN
                    RAISE NOTICE 'temp_file_limit of % is left as it is: only a superuser may set it', wanted;
                END;
            END IF;
        EXCEPTION
            -- Another database's migration was first.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN refused := refused || format('CREATE ROLE %I;', wanted);
        END;
    END LOOP;
    IF refused <> '{}' THEN
        RAISE insufficient_privilege USING MESSAGE = format(
            'it may not create roles; a superuser must run once: %s', array_to_string(refused, ' ')
        );
    END IF;
END
$$
