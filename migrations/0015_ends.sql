-- The ends of subscriptions, and whom it is to be told that a product is gone from sight.

-- How many warnings of the present end were sent.
alter table subscriptions add column warned bigint not null default 0;
create index subscriptions_by_end on subscriptions (expires_at) where expires_at is not null and state in ('active', 'suspended');
create index subscriptions_to_warn on subscriptions (warned, expires_at) where expires_at is not null and state in ('active', 'suspended');
-- Lists by state, and how many wait for approval.
create index subscriptions_by_state on subscriptions (state, id);

-- Subscriptions whose owners saw the product before a change that may have taken it from their sight: those that did lose it are told.
create table sight_checks (
    subscription_id bigint primary key references subscriptions (id) on delete cascade
);
