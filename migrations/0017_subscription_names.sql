-- Subscriptions are found by their own names too. Those that are there are folded as far as the engine can; a new name is folded as others are.
alter table subscriptions add column display_name_folded text not null default '';
update subscriptions set display_name_folded = lower(trim(display_name));
