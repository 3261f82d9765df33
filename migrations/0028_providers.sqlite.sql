-- Identity providers, whose accounts people sign in with.
create table providers (
    id integer primary key,
    name text not null,
    name_folded text not null unique,
    display_name text not null,
    display_name_folded text not null unique,
    kind text not null check (kind in ('entra', 'google', 'okta', 'keycloak', 'github', 'oidc')),
    issuer text not null,
    client_id text not null,
    -- Encrypted; null for a client without one.
    client_secret bytea,
    scopes text not null,
    email_claim text not null,
    name_claim text not null,
    groups_claim text not null,
    -- JSON lists of texts.
    allowed_tenants text not null default '[]',
    allowed_domains text not null default '[]',
    new_people boolean not null,
    trusts_email boolean not null,
    enabled boolean not null,
    version integer not null default 1,
    created_at timestamptz not null,
    -- What was last heard of it.
    last_ok_at timestamptz,
    last_problem text not null default '',
    last_problem_at timestamptz
);

-- Whose account it is: a provider's subject is one user's. The tenant is empty for providers that have none.
create table identities (
    id integer primary key,
    user_id integer not null references users (id),
    provider_id integer not null references providers (id),
    tenant text not null default '',
    subject text not null,
    email text not null default '',
    linked_at timestamptz not null,
    last_used_at timestamptz,
    unique (provider_id, tenant, subject)
);
create index identities_by_user on identities (user_id);

-- What began as a way to a provider and back. Kept are hashes of the state and of the browser's cookie; `kept` (verifier and nonce) and
-- `arrived` (what the provider said, while something is still to be asked) are encrypted.
create table sign_in_attempts (
    id integer primary key,
    state_hash bytea not null unique,
    browser_hash bytea not null,
    provider_id integer not null references providers (id),
    purpose text not null check (purpose in ('sign-in', 'again', 'link')),
    user_id integer references users (id),
    kept bytea not null,
    next text not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    arrived bytea
);
create index sign_in_attempts_by_end on sign_in_attempts (expires_at);
create index sign_in_attempts_by_browser on sign_in_attempts (browser_hash);
create index sign_in_attempts_by_user on sign_in_attempts (user_id);

-- Groups that a provider has told of, whether they are groups here or not.
create table seen_groups (
    provider_id integer not null references providers (id),
    tenant text not null,
    external_id text not null,
    name text not null default '',
    last_seen_at timestamptz not null,
    primary key (provider_id, tenant, external_id)
);

-- Tokens by which providers told that somebody signed out there: each counts once.
create table logout_tokens (
    provider_id integer not null references providers (id),
    name_hash bytea not null,
    expires_at timestamptz not null,
    primary key (provider_id, name_hash)
);

-- One row: whether people may sign in with a password.
create table password_sign_in (
    id integer primary key check (id = 1),
    allowed boolean not null default true,
    version integer not null default 1
);
insert into password_sign_in (id) values (1);

-- The identity that a session began with, and what the provider calls its own session.
alter table sessions add column identity_id integer references identities (id);
alter table sessions add column provider_session text not null default '';
create index sessions_by_identity on sessions (identity_id);

-- Links that confirm that an address is the person's who came by a provider.
create table links_of_users (
    id integer primary key,
    purpose text not null check (purpose in ('password-reset', 'invitation', 'sign-up', 'email-change', 'sign-in', 'provider')),
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
