-- Users in the order in which they registered, with what programs filter by: pages and totals are found in the index alone.
drop index users_live;
create index users_live on users (id, state, registered_at) where state <> 'deleted';
