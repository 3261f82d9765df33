-- The audit page finds who and what by any part of their names: the trigram index over both, kept by triggers.
create virtual table audit_search using fts5 (subject_folded, actor_folded, content = 'audit', content_rowid = 'id', tokenize = 'trigram case_sensitive 1');
insert into audit_search (audit_search) values ('rebuild');

create trigger audit_search_insert after insert on audit begin
    insert into audit_search (rowid, subject_folded, actor_folded) values (new.id, new.subject_folded, new.actor_folded);
end;
create trigger audit_search_delete after delete on audit begin
    insert into audit_search (audit_search, rowid, subject_folded, actor_folded)
        values ('delete', old.id, old.subject_folded, old.actor_folded);
end;
create trigger audit_search_update after update of subject_folded, actor_folded on audit begin
    insert into audit_search (audit_search, rowid, subject_folded, actor_folded)
        values ('delete', old.id, old.subject_folded, old.actor_folded);
    insert into audit_search (rowid, subject_folded, actor_folded) values (new.id, new.subject_folded, new.actor_folded);
end;
