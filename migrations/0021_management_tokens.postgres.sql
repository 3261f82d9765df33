-- Tokens open the management API too: to read, or to read and write.
alter table tokens drop constraint tokens_scope_check;
alter table tokens add constraint tokens_scope_check check (scope in ('gateway', 'read', 'write'));
