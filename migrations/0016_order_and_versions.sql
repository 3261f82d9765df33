-- The order of products in the developer portal: those that were arranged come first, by position; the others follow by name. A form
-- that shows the whole order is shown its version.
alter table products add column position bigint;
create table product_order (
    id bigint primary key check (id = 1),
    version bigint not null
);
insert into product_order (id, version) values (1, 1);

-- What administrators say an API is about, as a list of names (those in `tags` are headings of its operations); folded, each on a line
-- of its own, with a line's end before and after.
alter table apis add column own_tags text not null default '[]';
alter table apis add column own_tags_folded text not null default '';

-- APIs that are versions of one another, by the set's name in `apis.version_set`.
create table version_sets (
    name text primary key not null,
    display_name text not null,
    version bigint not null default 1,
    created_at timestamptz not null
);
alter table apis add column set_version text not null default '';
create index apis_by_version_set on apis (version_set);

-- An operation that is made by hand is edited at a version of its own.
alter table operations add column version bigint not null default 1;

-- What replacing a description changed, as JSON.
create table api_changes (
    api_id bigint not null references apis (id),
    number bigint not null,
    at timestamptz not null,
    was text not null,
    became text not null,
    changes text not null,
    primary key (api_id, number)
);
