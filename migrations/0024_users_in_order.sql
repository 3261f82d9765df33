-- Users in the order in which they registered, as programs page through them: what is skipped is counted in the index alone.
create index users_live on users (id) where state <> 'deleted';
