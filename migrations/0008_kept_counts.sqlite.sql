-- Counts that lists show, kept by the transaction that changes what they count.

-- Users of a state and role.
create table user_counts (
    state text not null,
    administrator boolean not null,
    number integer not null,
    primary key (state, administrator)
);
insert into user_counts (state, administrator, number) select state, administrator, count(*) from users group by state, administrator;

create trigger users_counted_in after insert on users begin
    insert into user_counts (state, administrator, number) values (new.state, new.administrator, 1)
        on conflict (state, administrator) do update set number = number + 1;
end;
create trigger users_counted_out after delete on users begin
    update user_counts set number = number - 1 where state = old.state and administrator = old.administrator;
end;
create trigger users_counted_anew after update of state, administrator on users
    when new.state <> old.state or new.administrator <> old.administrator begin
    update user_counts set number = number - 1 where state = old.state and administrator = old.administrator;
    insert into user_counts (state, administrator, number) values (new.state, new.administrator, 1)
        on conflict (state, administrator) do update set number = number + 1;
end;

-- Users with a membership of a group, whatever its source and whenever it holds: those that none of theirs holds for are few, and
-- are taken off where they are shown.
create table group_counts (
    group_id integer primary key,
    members integer not null
);
insert into group_counts (group_id, members)
    select g.id, (select count(distinct m.user_id) from memberships m where m.group_id = g.id) from groups g;

create trigger groups_counted_in after insert on groups begin
    insert into group_counts (group_id, members) values (new.id, 0);
end;
create trigger groups_counted_out after delete on groups begin
    delete from group_counts where group_id = old.id;
end;
create trigger members_counted_in after insert on memberships
    when not exists (select 1 from memberships m where m.user_id = new.user_id and m.group_id = new.group_id and m.source <> new.source) begin
    update group_counts set members = members + 1 where group_id = new.group_id;
end;
create trigger members_counted_out after delete on memberships
    when not exists (select 1 from memberships m where m.user_id = old.user_id and m.group_id = old.group_id) begin
    update group_counts set members = members - 1 where group_id = old.group_id;
end;
create index memberships_by_end on memberships (until_at) where until_at is not null;
create index memberships_by_beginning on memberships (from_at);
-- All that a list asks of somebody's memberships, without their rows.
create index memberships_of_user on memberships (user_id, group_id, from_at, until_at);

-- Groups are kept in memory beside the catalogue.
create trigger groups_added after insert on groups begin update catalog_version set version = version + 1; end;
create trigger groups_changed after update on groups begin update catalog_version set version = version + 1; end;
create trigger groups_removed after delete on groups begin update catalog_version set version = version + 1; end;
