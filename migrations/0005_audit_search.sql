-- The audit page looks through who and what by their folded names, and for one kind of subject or a span of days in order.
alter table audit add column actor_folded text not null default '';
alter table audit add column subject_folded text not null default '';
create index audit_by_at on audit (at, id);
create index audit_by_kind on audit (subject_kind, id);
