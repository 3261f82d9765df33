-- What the site is called and how it looks: one row, counted with the catalogue, so that it can be kept in memory until the next change.
create table site (
    id bigint primary key check (id = 1),
    name text not null,
    accent text not null default '',
    home text not null default '',
    links text not null default '',
    logo_hash text not null default '',
    logo_kind text not null default '',
    logo_width bigint not null default 0,
    logo_height bigint not null default 0,
    logo_bytes bigint not null default 0,
    version bigint not null default 1,
    logo bytea
);
insert into site (id, name) values (1, 'Portico');

create constraint trigger site_changed after update on site
    deferrable initially deferred for each row execute function count_catalog_change();
