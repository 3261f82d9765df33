-- Counts the changes of the catalogue (products, their groups and APIs), so that what was read of it can be kept until the next one.
create table catalog_version (
    id bigint primary key check (id = 1),
    version bigint not null,
    counted_in xid8
);
insert into catalog_version (id, version) values (1, 1);

create function count_catalog_change() returns trigger language plpgsql as $$
begin
    update catalog_version set version = version + 1, counted_in = pg_current_xact_id()
    where counted_in is distinct from pg_current_xact_id();
    return null;
end $$;

-- At the commit, once a transaction: nobody waits for this row with another one in hand, and the number is never seen before the change.
create constraint trigger products_changed after insert or update or delete on products
    deferrable initially deferred for each row execute function count_catalog_change();
create constraint trigger product_groups_changed after insert or update or delete on product_groups
    deferrable initially deferred for each row execute function count_catalog_change();
create constraint trigger product_apis_changed after insert or update or delete on product_apis
    deferrable initially deferred for each row execute function count_catalog_change();
create constraint trigger apis_changed after insert or update or delete on apis
    deferrable initially deferred for each row execute function count_catalog_change();
