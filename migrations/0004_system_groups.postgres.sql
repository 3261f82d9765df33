-- The next group gets key 4, as it does in SQLite.
alter table groups alter column id restart with 4;
