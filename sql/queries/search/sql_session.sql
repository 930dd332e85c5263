-- What the login could do if the SQL it runs did its worst: a session may take any role its login is a member of.
SELECT
    session_user::text AS login,
    pg_has_role(session_user, 'ildb_reader', 'MEMBER') AS is_reader,
    bool_or(
        m.rolsuper OR m.rolcreaterole OR m.rolreplication OR m.rolbypassrls
        OR m.rolname IN (
            'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', 'pg_signal_backend',
            'pg_read_all_data', 'pg_write_all_data'
        )
    ) AS is_privileged,
    bool_or(
        EXISTS (
            SELECT FROM pg_class AS c
            WHERE
                c.relnamespace = 'ildb'::regnamespace AND c.relkind = 'r'
                AND (
                    has_any_column_privilege(m.oid, c.oid, 'INSERT, UPDATE')
                    OR has_table_privilege(m.oid, c.oid, 'DELETE, TRUNCATE')
                )
        )
    ) AS may_write
FROM pg_roles AS m
WHERE pg_has_role(session_user, m.oid, 'MEMBER')
