-- Links by which another program lets somebody in.
alter table links drop constraint links_purpose_check;
alter table links add constraint links_purpose_check check (purpose in ('password-reset', 'invitation', 'sign-up', 'email-change', 'sign-in'));
