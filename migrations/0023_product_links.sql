-- What programs call the association of a product with a group, or with an API, when they have named it; otherwise it goes by the name of
-- the other.
alter table product_groups add column link text;
alter table product_groups add column link_folded text;
alter table product_apis add column link text;
alter table product_apis add column link_folded text;
