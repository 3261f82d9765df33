-- What SQLite spells differently: the trigram index over names and addresses, kept by triggers.
create virtual table users_search using fts5 (search_folded, content = 'users', content_rowid = 'id', tokenize = 'trigram case_sensitive 1');

create trigger users_search_insert after insert on users begin
    insert into users_search (rowid, search_folded) values (new.id, new.search_folded);
end;
create trigger users_search_delete after delete on users begin
    insert into users_search (users_search, rowid, search_folded) values ('delete', old.id, old.search_folded);
end;
create trigger users_search_update after update of search_folded on users begin
    insert into users_search (users_search, rowid, search_folded) values ('delete', old.id, old.search_folded);
    insert into users_search (rowid, search_folded) values (new.id, new.search_folded);
end;
