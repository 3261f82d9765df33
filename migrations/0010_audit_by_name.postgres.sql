-- The audit page finds who and what by any part of their names.
create index audit_search on audit using gin (subject_folded gin_trgm_ops, actor_folded gin_trgm_ops);
