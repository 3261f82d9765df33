-- Counts the changes of the catalogue (products, their groups and APIs), so that what was read of it can be kept until the next one.
create table catalog_version (
    id integer primary key check (id = 1),
    version integer not null
);
insert into catalog_version (id, version) values (1, 1);

create trigger products_added after insert on products begin update catalog_version set version = version + 1; end;
create trigger products_changed after update on products begin update catalog_version set version = version + 1; end;
create trigger products_removed after delete on products begin update catalog_version set version = version + 1; end;
create trigger product_groups_added after insert on product_groups begin update catalog_version set version = version + 1; end;
create trigger product_groups_changed after update on product_groups begin update catalog_version set version = version + 1; end;
create trigger product_groups_removed after delete on product_groups begin update catalog_version set version = version + 1; end;
create trigger product_apis_added after insert on product_apis begin update catalog_version set version = version + 1; end;
create trigger product_apis_changed after update on product_apis begin update catalog_version set version = version + 1; end;
create trigger product_apis_removed after delete on product_apis begin update catalog_version set version = version + 1; end;
create trigger apis_added after insert on apis begin update catalog_version set version = version + 1; end;
create trigger apis_changed after update on apis begin update catalog_version set version = version + 1; end;
create trigger apis_removed after delete on apis begin update catalog_version set version = version + 1; end;
