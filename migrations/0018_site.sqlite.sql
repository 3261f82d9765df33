-- What the site is called and how it looks: one row, counted with the catalogue, so that it can be kept in memory until the next change.
create table site (
    id integer primary key check (id = 1),
    name text not null,
    accent text not null default '',
    home text not null default '',
    links text not null default '',
    logo_hash text not null default '',
    logo_kind text not null default '',
    logo_width integer not null default 0,
    logo_height integer not null default 0,
    logo_bytes integer not null default 0,
    version integer not null default 1,
    logo blob
);
insert into site (id, name) values (1, 'Portico');

create trigger site_changed after update on site begin update catalog_version set version = version + 1; end;
