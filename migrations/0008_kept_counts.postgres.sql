-- Counts that lists show, kept by the transaction that changes what they count.

-- Users of a state and role.
create table user_counts (
    state text not null,
    administrator boolean not null,
    number bigint not null,
    primary key (state, administrator)
);
insert into user_counts (state, administrator, number) select state, administrator, count(*) from users group by state, administrator;

-- Once a statement: a row that is changed ten thousand times in a transaction is found more slowly each time.
create function count_users() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into user_counts (state, administrator, number)
            select state, administrator, count(*) from added group by state, administrator order by state, administrator
            on conflict (state, administrator) do update set number = user_counts.number + excluded.number;
    elsif tg_op = 'DELETE' then
        insert into user_counts (state, administrator, number)
            select state, administrator, -count(*) from removed group by state, administrator order by state, administrator
            on conflict (state, administrator) do update set number = user_counts.number + excluded.number;
    else
        insert into user_counts (state, administrator, number)
            select state, administrator, sum(one) from
                (select state, administrator, 1 as one from added union all select state, administrator, -1 from removed) both_sides
            group by state, administrator having sum(one) <> 0 order by state, administrator
            on conflict (state, administrator) do update set number = user_counts.number + excluded.number;
    end if;
    return null;
end $$;
create trigger users_counted_in after insert on users referencing new table as added for each statement execute function count_users();
create trigger users_counted_out after delete on users referencing old table as removed for each statement execute function count_users();
create trigger users_counted_anew after update on users
    referencing old table as removed new table as added for each statement execute function count_users();

-- Users with a membership of a group, whatever its source and whenever it holds: those that none of theirs holds for are few, and
-- are taken off where they are shown.
create table group_counts (
    group_id bigint primary key,
    members bigint not null
);
insert into group_counts (group_id, members)
    select g.id, (select count(distinct m.user_id) from memberships m where m.group_id = g.id) from groups g;

create function count_group() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into group_counts (group_id, members) values (new.id, 0);
    else
        delete from group_counts where group_id = old.id;
    end if;
    return null;
end $$;
create trigger groups_counted_in after insert on groups for each row execute function count_group();
create trigger groups_counted_out after delete on groups for each row execute function count_group();

-- The rows of the counts are taken first, in order; the statement after that sees what whoever had them has done.
create function count_members() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform 1 from group_counts where group_id in (select group_id from added) order by group_id for update;
        update group_counts c set members = members + n.number
        from (select a.group_id, count(*) as number
              from (select group_id, user_id, count(*) as rows from added group by group_id, user_id) a
              where a.rows = (select count(*) from memberships m where m.user_id = a.user_id and m.group_id = a.group_id)
              group by a.group_id) n
        where c.group_id = n.group_id;
    else
        perform 1 from group_counts where group_id in (select group_id from removed) order by group_id for update;
        update group_counts c set members = members - n.number
        from (select r.group_id, count(*) as number
              from (select distinct group_id, user_id from removed) r
              where not exists (select 1 from memberships m where m.user_id = r.user_id and m.group_id = r.group_id)
              group by r.group_id) n
        where c.group_id = n.group_id;
    end if;
    return null;
end $$;
create trigger members_counted_in after insert on memberships referencing new table as added for each statement execute function count_members();
create trigger members_counted_out after delete on memberships referencing old table as removed for each statement execute function count_members();
create index memberships_by_end on memberships (until_at) where until_at is not null;
create index memberships_by_beginning on memberships (from_at);
-- All that a list asks of somebody's memberships, without their rows.
create index memberships_of_user on memberships (user_id, group_id, from_at, until_at);

-- Groups are kept in memory beside the catalogue.
create constraint trigger groups_changed after insert or update or delete on groups
    deferrable initially deferred for each row execute function count_catalog_change();
