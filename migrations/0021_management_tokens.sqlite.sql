-- Tokens open the management API too: to read, or to read and write. SQLite cannot change a constraint, so the table is made anew.
create table tokens_with_scopes (
    id integer primary key,
    name text not null unique,
    display_name text not null,
    display_name_folded text not null unique,
    scope text not null check (scope in ('gateway', 'read', 'write')),
    hash bytea not null unique,
    made_by integer references users (id),
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz
);
insert into tokens_with_scopes (id, name, display_name, display_name_folded, scope, hash, made_by, created_at, expires_at, last_used_at)
    select id, name, display_name, display_name_folded, scope, hash, made_by, created_at, expires_at, last_used_at from tokens;
drop table tokens;
alter table tokens_with_scopes rename to tokens;
create trigger keys_token_added after insert on tokens begin
    insert into key_changes (kind, key) values ('token', new.id);
end;
create trigger keys_token_changed after update of display_name, scope, hash, expires_at on tokens begin
    insert into key_changes (kind, key) values ('token', new.id);
end;
create trigger keys_token_removed after delete on tokens begin
    insert into key_changes (kind, key) values ('token', old.id);
end;
