-- Links by which another program lets somebody in.
create table links_of_users (
    id integer primary key,
    purpose text not null check (purpose in ('password-reset', 'invitation', 'sign-up', 'email-change', 'sign-in')),
    user_id integer not null references users (id),
    token_hash bytea not null unique,
    data text not null default '{}',
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
insert into links_of_users (id, purpose, user_id, token_hash, data, made_at, expires_at, used_at)
    select id, purpose, user_id, token_hash, data, made_at, expires_at, used_at from links;
drop table links;
alter table links_of_users rename to links;
create index links_by_end on links (expires_at);
create index links_by_user on links (user_id, purpose, id);
