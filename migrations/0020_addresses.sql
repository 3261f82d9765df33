-- Nobody has confirmed these addresses: whoever typed a password beside one signs in with it once the link in the mail was opened. That is kept with the link.
update users set password_hash = null where state = 'pending' or (state = 'blocked' and signed_up and last_sign_in_at is null);

-- How many mails went to an address.
create index mails_by_recipient on mails (lower(to_email), id);

-- Whom a notice tells of, by folded address: their words go when they do.
alter table mails add column about text;
create index mails_by_about on mails (about) where about is not null;
create index mails_of_old_notices on mails (id) where about is null and kind like 'notice-%';
