-- How an API's operations are called from its pages, and the header that carries the key; no row: not at all, and X-Portico-Key.
create table api_calls (
    api_id bigint primary key references apis (id) on delete cascade,
    way text not null check (way in ('no', 'browser', 'portal')),
    key_header text not null,
    version bigint not null
);
