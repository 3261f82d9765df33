-- What directories tell without a sign-in: of groups, of who is in them, and who administers by them.
alter table providers add column directory text not null default '';
-- Encrypted; what the directory asks for beside the client's own secret.
alter table providers add column directory_secret bytea;
alter table providers add column sync_minutes bigint not null default 60;
-- A value of its groups or roles; empty when nobody administers by it.
alter table providers add column administrators_value text not null default '';
alter table providers add column synced_at timestamptz;
alter table providers add column sync_problem text not null default '';
alter table providers add column sync_problem_at timestamptz;
-- How often in a row reading it failed, and before when it is not read again.
alter table providers add column sync_failures bigint not null default 0;
alter table providers add column sync_not_before timestamptz;
alter table providers add column administrators_due_at timestamptz;

-- What is known of a provider's group beside what every group has.
create table external_groups (
    group_id bigint primary key references groups (id),
    tenant text collate "C" not null default '',
    -- What it is called there; empty when nobody told.
    name_there text not null default '',
    -- How programs name it; empty when by its external id.
    address text not null default '',
    -- Since when the directory does not have it any more.
    gone_at timestamptz,
    reported_by text not null default 'sign-in' check (reported_by in ('sign-in', 'directory', 'scim')),
    -- When its members were last read, and are to be read again.
    synced_at timestamptz,
    due_at timestamptz,
    -- How many that reading let in and put out.
    joined bigint not null default 0,
    parted bigint not null default 0
);
insert into external_groups (group_id) select id from groups where kind = 'external';
create index external_groups_by_due on external_groups (due_at);

-- When the provider last said in which groups somebody is; how it can be asked without them, encrypted, and when it is.
alter table identities add column reported_at timestamptz;
alter table identities add column refresh_token bytea;
alter table identities add column due_at timestamptz;
alter table identities add column failures bigint not null default 0;
create index identities_by_due on identities (due_at);

-- The provider that made somebody an administrator; null for who is one by hand.
alter table users add column administrator_by bigint references providers (id);
