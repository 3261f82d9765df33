-- Tokens for programs, and what changed of all that decides whether a key is good.

-- A token is kept as its SHA-256. made_by is null for the command line.
create table tokens (
    id integer primary key,
    name text not null unique,
    display_name text not null,
    display_name_folded text not null unique,
    scope text not null check (scope in ('gateway')),
    hash bytea not null unique,
    made_by integer references users (id),
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz
);

-- One row for each change of a subscription, of an owner or of a token. What is kept in memory is brought up to date by the rows since it
-- was read; they are removed after an hour (seconds since 1970 in `at`). The marks only grow, also when the rows are gone.
create table key_changes (
    mark integer primary key autoincrement,
    kind text not null,
    key integer not null,
    at integer not null default (cast(strftime('%s', 'now') as integer))
);
create index key_changes_by_age on key_changes (at);

create trigger keys_subscription_added after insert on subscriptions begin
    insert into key_changes (kind, key) values ('subscription', new.id);
end;
create trigger keys_subscription_changed after update of name, product_id, owner_id, state, primary_mac, secondary_mac, expires_at on subscriptions begin
    insert into key_changes (kind, key) values ('subscription', new.id);
end;
create trigger keys_subscription_removed after delete on subscriptions begin
    insert into key_changes (kind, key) values ('subscription', old.id);
end;
create trigger keys_owner_changed after update of name, state on users
    when new.state <> old.state or new.name <> old.name begin
    insert into key_changes (kind, key) values ('owner', new.id);
end;
create trigger keys_token_added after insert on tokens begin
    insert into key_changes (kind, key) values ('token', new.id);
end;
create trigger keys_token_changed after update of display_name, scope, hash, expires_at on tokens begin
    insert into key_changes (kind, key) values ('token', new.id);
end;
create trigger keys_token_removed after delete on tokens begin
    insert into key_changes (kind, key) values ('token', old.id);
end;
