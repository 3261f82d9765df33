-- A parameter of a mail is a name after a dollar, the same on pages and for programs; what stands in braces is so wherever letters may follow.
-- A program writes HTML, a page Markdown.
alter table mail_templates add column format text not null default 'markdown' check (format in ('markdown', 'html'));
update mail_templates set subject = replace(subject, '{site_name}', '${OrganizationName}'), body = replace(body, '{site_name}', '${OrganizationName}');
update mail_templates set subject = replace(subject, '{portal_url}', '${DevPortalUrl}'), body = replace(body, '{portal_url}', '${DevPortalUrl}');
update mail_templates set subject = replace(subject, '{first_name}', '${DevFirstName}'), body = replace(body, '{first_name}', '${DevFirstName}');
update mail_templates set subject = replace(subject, '{last_name}', '${DevLastName}'), body = replace(body, '{last_name}', '${DevLastName}');
update mail_templates set subject = replace(subject, '{email}', '${DevEmail}'), body = replace(body, '{email}', '${DevEmail}');
update mail_templates set subject = replace(subject, '{link}', '${ConfirmUrl}'), body = replace(body, '{link}', '${ConfirmUrl}');
update mail_templates set subject = replace(subject, '{valid_for}', '${ValidFor}'), body = replace(body, '{valid_for}', '${ValidFor}');
update mail_templates set subject = replace(subject, '{product}', '${ProdName}'), body = replace(body, '{product}', '${ProdName}');
update mail_templates set subject = replace(subject, '{subscription}', '${SubName}'), body = replace(body, '{subscription}', '${SubName}');
update mail_templates set subject = replace(subject, '{subscription_url}', '${SubUrl}'), body = replace(body, '{subscription_url}', '${SubUrl}');
update mail_templates set subject = replace(subject, '{product_url}', '${ProdUrl}'), body = replace(body, '{product_url}', '${ProdUrl}');
update mail_templates set subject = replace(subject, '{comment}', '${Comment}'), body = replace(body, '{comment}', '${Comment}');
update mail_templates set subject = replace(subject, '{developer}', '${Developer}'), body = replace(body, '{developer}', '${Developer}');
update mail_templates set subject = replace(subject, '{developer_email}', '${DeveloperEmail}'), body = replace(body, '{developer_email}', '${DeveloperEmail}');
update mail_templates set subject = replace(subject, '{page_url}', '${PageUrl}'), body = replace(body, '{page_url}', '${PageUrl}');
update mail_templates set subject = replace(subject, '{inviter}', '${Inviter}'), body = replace(body, '{inviter}', '${Inviter}');
update mail_templates set subject = replace(subject, '{which_key}', '${WhichKey}'), body = replace(body, '{which_key}', '${WhichKey}');
update mail_templates set subject = replace(subject, '{ends}', '${Ends}'), body = replace(body, '{ends}', '${Ends}');
update mail_templates set subject = replace(subject, '{end_date}', '${EndDate}'), body = replace(body, '{end_date}', '${EndDate}');
update mail_templates set subject = replace(subject, '{sign_in_url}', '${SignInUrl}'), body = replace(body, '{sign_in_url}', '${SignInUrl}');
update mail_templates set subject = replace(subject, '{new_email}', '${NewEmail}'), body = replace(body, '{new_email}', '${NewEmail}');
