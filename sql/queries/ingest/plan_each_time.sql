-- A plan made while the tables were small is a bad one a million rows later in the same transaction.
SET LOCAL plan_cache_mode = force_custom_plan
