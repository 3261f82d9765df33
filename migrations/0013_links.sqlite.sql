-- One-time links that were mailed to somebody: of each purpose and user the newest one alone. What is kept of its token is a hash.
create table links (
    id integer primary key,
    purpose text not null check (purpose in ('password-reset', 'invitation', 'sign-up', 'email-change')),
    user_id integer not null references users (id),
    token_hash bytea not null unique,
    data text not null default '{}',
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    unique (user_id, purpose)
);
create index links_by_end on links (expires_at);
