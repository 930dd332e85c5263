-- For this transaction only, so that poolers which share connections are served, too.
SELECT
    set_config('statement_timeout', :statement_ms, true),
    set_config('lock_timeout', :lock_ms, true),
    set_config('idle_in_transaction_session_timeout', :idle_ms, true)
