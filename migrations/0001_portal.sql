-- The whole of the portal's first shape, in the SQL that SQLite and PostgreSQL both accept.
-- `*_folded` holds the text trimmed, NFKC-normalised and case-folded by the program: uniqueness, search and order use it.
-- PostgreSQL widens the keys and sets the collation in 0002_portal.postgres.sql.

create table users (
    id integer primary key,
    name text not null,
    name_folded text not null unique,
    email text not null,
    email_folded text not null unique,
    first_name text not null,
    last_name text not null,
    sort_folded text not null,
    search_folded text not null,
    password_hash text,
    state text not null check (state in ('active', 'pending', 'blocked', 'deleted')),
    administrator boolean not null default false,
    note text not null default '',
    version integer not null default 1,
    registered_at timestamptz not null,
    last_sign_in_at timestamptz
);
create index users_by_sort on users (sort_folded, id);
create index users_by_registered on users (registered_at, id);
create index users_by_last_sign_in on users (last_sign_in_at, id);
create index users_by_state on users (state, sort_folded, id);

create table groups (
    id integer primary key,
    name text not null,
    name_folded text not null unique,
    display_name text not null,
    display_name_folded text not null unique,
    description text not null default '',
    search_folded text not null,
    kind text not null check (kind in ('system', 'custom', 'external')),
    provider text,
    external_id text,
    version integer not null default 1,
    created_at timestamptz not null,
    unique (provider, external_id)
);

-- A membership holds from from_at until before until_at (for ever when null). Each source keeps its own row.
create table memberships (
    user_id integer not null references users (id),
    group_id integer not null references groups (id),
    source text not null check (source in ('hand', 'rule', 'invitation', 'provider', 'import')),
    from_at timestamptz not null,
    until_at timestamptz,
    primary key (user_id, group_id, source)
);
create index memberships_by_group on memberships (group_id, user_id);

create table products (
    id integer primary key,
    name text not null,
    name_folded text not null unique,
    display_name text not null,
    display_name_folded text not null unique,
    description text not null default '',
    search_folded text not null,
    terms text not null default '',
    subscription_required boolean not null default true,
    approval_required boolean not null default false,
    subscriptions_limit integer,
    published boolean not null default false,
    version integer not null default 1,
    created_at timestamptz not null
);

create table product_groups (
    product_id integer not null references products (id),
    group_id integer not null references groups (id),
    primary key (product_id, group_id)
);
create index product_groups_by_group on product_groups (group_id, product_id);

create table apis (
    id integer primary key,
    name text not null,
    name_folded text not null unique,
    display_name text not null,
    display_name_folded text not null,
    description text not null default '',
    search_folded text not null,
    suffix text not null,
    suffix_folded text not null unique,
    api_version text not null default '',
    version_set text,
    servers text not null default '[]',
    tags text not null default '[]',
    facts text not null default '{}',
    format text not null default '',
    document bytea,
    version integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index apis_by_display on apis (display_name_folded, id);

create table operations (
    id integer primary key,
    api_id integer not null references apis (id),
    name text not null,
    name_folded text not null,
    operation_id text,
    method text not null,
    url_template text not null,
    display_name text not null,
    description text not null default '',
    deprecated boolean not null default false,
    tags text not null default '[]',
    detail text not null default '{}',
    position integer not null,
    unique (api_id, name_folded)
);

create table product_apis (
    product_id integer not null references products (id),
    api_id integer not null references apis (id),
    primary key (product_id, api_id)
);
create index product_apis_by_api on product_apis (api_id, product_id);

-- Keys are kept encrypted, beside an HMAC to find them by.
create table subscriptions (
    id integer primary key,
    name text not null,
    name_folded text not null unique,
    product_id integer not null references products (id),
    owner_id integer not null references users (id),
    display_name text not null,
    state text not null check (state in ('submitted', 'active', 'rejected', 'cancelled', 'suspended', 'expired')),
    primary_key bytea not null,
    primary_mac bytea not null unique,
    secondary_key bytea not null,
    secondary_mac bytea not null unique,
    terms_accepted text,
    terms_accepted_at timestamptz,
    state_comment text not null default '',
    version integer not null default 1,
    created_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    expires_at timestamptz
);
create index subscriptions_by_product on subscriptions (product_id, state, id);
create index subscriptions_by_owner on subscriptions (owner_id, id);

-- A session is found by the SHA-256 of the key in its cookie.
create table sessions (
    id integer primary key,
    name text not null unique,
    key_hash bytea not null unique,
    user_id integer not null references users (id),
    state text not null,
    address text not null default '',
    agent text not null default '',
    created_at timestamptz not null,
    seen_at timestamptz not null
);
create index sessions_by_user on sessions (user_id);

-- Failed sign-ins by account, by address and by both; the keys are HMACs, so that the table names nobody.
create table sign_in_failures (
    key_mac bytea primary key not null,
    failures integer not null,
    last_at timestamptz not null
);

create table setup_links (
    token_hash bytea primary key not null,
    created_at timestamptz not null
);

create table audit (
    id integer primary key,
    name text not null unique,
    at timestamptz not null,
    actor_kind text not null,
    actor_id integer references users (id),
    actor_name text not null,
    action text not null,
    subject_kind text not null,
    subject_id integer,
    subject_name text not null,
    before text,
    after text,
    undone_by text
);
create index audit_by_subject on audit (subject_kind, subject_id, id);
create index audit_by_actor on audit (actor_id, id);
create index audit_by_action on audit (action, id);
