-- Signing up, the terms that somebody accepted with it, the password given again in a session, and what a mail leaves behind.

-- One row: whether strangers may open accounts, and which terms of use they accept.
create table sign_up (
    id bigint primary key check (id = 1),
    allowed boolean not null default false,
    terms text not null default '',
    version bigint not null default 1
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
alter table links drop constraint links_user_id_purpose_key;
create index links_by_user on links (user_id, purpose, id);
