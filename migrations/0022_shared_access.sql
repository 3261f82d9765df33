-- The keys with which programs sign their own tokens for the management API, encrypted; made when they are first asked for. One row.
create table shared_access (
    id bigint primary key check (id = 1),
    enabled boolean not null default false,
    primary_key bytea,
    secondary_key bytea,
    version bigint not null default 1
);
insert into shared_access (id) values (1);
