-- Mails that wait, were sent or could not be; what they say; and who is told of what happens.

-- A mail is sent by the process that claimed it, until claimed_until; `secret` is its link, encrypted, while it may still be sent.
create table mails (
    id integer primary key,
    name text not null unique,
    kind text not null,
    user_id integer references users (id),
    to_email text not null,
    to_name text not null default '',
    bcc text not null default '[]',
    subject text not null,
    text text not null,
    html text not null,
    search_folded text not null,
    secret bytea,
    message_id text not null,
    state text not null check (state in ('waiting', 'sending', 'sent', 'kept', 'failed')),
    attempts integer not null default 0,
    next_at timestamptz not null,
    claimed_by text,
    claimed_until timestamptz,
    maybe_twice boolean not null default false,
    error text not null default '',
    batch text,
    created_at timestamptz not null,
    settled_at timestamptz
);
create index mails_by_state on mails (state, next_at, id);
create index mails_by_user on mails (user_id, id);
create index mails_by_batch on mails (batch, state);

-- Those that an administrator has changed; the others are as the program has them.
create table mail_templates (
    kind text primary key,
    subject text not null,
    body text not null,
    version integer not null default 1,
    updated_at timestamptz not null
);

-- Of which event who is told: every administrator, some of them, and further addresses.
create table notifications (
    event text primary key check (event in ('subscription_requested', 'subscription_new', 'account_closed', 'sign_up', 'bcc')),
    every_administrator boolean not null default false,
    addresses text not null default '[]',
    version integer not null default 1
);
create table notification_administrators (
    event text not null references notifications (event),
    user_id integer not null references users (id),
    primary key (event, user_id)
);
insert into notifications (event, every_administrator) values
    ('subscription_requested', true), ('subscription_new', false), ('account_closed', false), ('sign_up', false), ('bcc', false);
