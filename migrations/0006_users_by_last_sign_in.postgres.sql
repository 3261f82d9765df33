-- Who never signed in comes first, as in SQLite; an index that orders so serves both directions of the list.
drop index users_by_last_sign_in;
create index users_by_last_sign_in on users (last_sign_in_at nulls first, id);
