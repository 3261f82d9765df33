-- Signing up, the terms that somebody accepted with it, the password given again in a session, and what a mail leaves behind.

-- One row: whether strangers may open accounts, and which terms of use they accept.
create table sign_up (
    id integer primary key check (id = 1),
    allowed boolean not null default false,
    terms text not null default '',
    version integer not null default 1
);
insert into sign_up (id) values (1);

-- Whether the account was made by signing up.
alter table users add column signed_up boolean not null default false;
alter table users add column terms_accepted text;
alter table users add column terms_accepted_at timestamptz;

-- When the session's owner last gave the password again.
alter table sessions add column confirmed_at timestamptz;

-- Its recipient is no longer there: what it says goes when it is settled.
alter table mails add column farewell boolean not null default false;

-- Several links of one purpose and user may work at once.
create table links_of_users (
    id integer primary key,
    purpose text not null check (purpose in ('password-reset', 'invitation', 'sign-up', 'email-change')),
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
