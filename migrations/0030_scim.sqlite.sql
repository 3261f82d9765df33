-- SCIM: people and groups that identity providers keep here by themselves.

-- A token for exactly one provider. SQLite cannot change a constraint, so the table is made anew.
create table tokens_with_providers (
    id integer primary key,
    name text not null unique,
    display_name text not null,
    display_name_folded text not null,
    scope text not null check (scope in ('gateway', 'read', 'write', 'scim')),
    hash bytea not null unique,
    made_by integer references users (id),
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    provider_id integer references providers (id),
    check ((scope = 'scim') = (provider_id is not null))
);
insert into tokens_with_providers (id, name, display_name, display_name_folded, scope, hash, made_by, created_at, expires_at, last_used_at)
    select id, name, display_name, display_name_folded, scope, hash, made_by, created_at, expires_at, last_used_at from tokens;
drop table tokens;
alter table tokens_with_providers rename to tokens;
create unique index tokens_by_display_name on tokens (coalesce(provider_id, 0), display_name_folded);
create trigger keys_token_added after insert on tokens begin
    insert into key_changes (kind, key) values ('token', new.id);
end;
create trigger keys_token_changed after update of display_name, scope, hash, expires_at on tokens begin
    insert into key_changes (kind, key) values ('token', new.id);
end;
create trigger keys_token_removed after delete on tokens begin
    insert into key_changes (kind, key) values ('token', old.id);
end;

-- Who blocked an account: null for who did it by hand.
alter table users add column blocked_by integer references providers (id);

-- People as providers keep them here: an account is one resource of a provider at most.
create table scim_users (
    id integer primary key,
    provider_id integer not null references providers (id),
    user_id integer not null references users (id),
    -- Empty when it was not given.
    external_id text not null default '',
    user_name text not null,
    user_name_folded text not null,
    display_name_folded text not null default '',
    given_name_folded text not null default '',
    family_name_folded text not null default '',
    -- What lists are ordered by; empty when no address was given.
    email_folded text not null default '',
    -- As the provider wants it, whatever the account is.
    active boolean not null,
    -- JSON: what was given and is told again.
    attributes text not null,
    version integer not null default 1,
    created_at timestamptz not null,
    modified_at timestamptz not null,
    -- Since when the provider does not have it any more.
    gone_at timestamptz,
    unique (provider_id, user_id)
);
create unique index scim_users_by_user_name on scim_users (provider_id, user_name_folded) where gone_at is null;
create index scim_users_by_external_id on scim_users (provider_id, external_id);
create index scim_users_in_order on scim_users (provider_id, id);
create index scim_users_by_user on scim_users (user_id);

create table scim_emails (
    scim_user_id integer not null references scim_users (id),
    place integer not null,
    value_folded text not null,
    kind_folded text not null default '',
    is_primary boolean not null,
    primary key (scim_user_id, place)
);
create index scim_emails_by_value on scim_emails (value_folded);

-- What a provider that keeps an external group here said of it, beside what is known of every one.
create table provisioned_groups (
    group_id integer primary key references groups (id),
    -- Empty when it was not given.
    external_id text not null default '',
    name_there_folded text not null,
    -- JSON: what else was given and is told again.
    attributes text not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null,
    modified_at timestamptz not null
);
