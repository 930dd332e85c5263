-- Before each batch: a plan made while the tables were small is a bad one a million rows later in the same transaction.
-- Not plan_cache_mode = force_custom_plan, which also has each look of a foreign key planned, for every row.
DISCARD PLANS
