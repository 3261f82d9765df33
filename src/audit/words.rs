//! The words for what was done: one table for every action of the portal, and the labels of what entries keep.

/// Action and words, by noun, for every action that is recorded; what was changed follows the words: "Added members to group" *Partners*.
pub const ACTIONS: &[(&str, &str)] = &[
    ("group.created", "Added group"),
    ("group.edited", "Edited group"),
    ("group.deleted", "Deleted group"),
    ("group.members_added", "Added members to group"),
    ("group.members_removed", "Removed members from group"),
    ("group.taken_over", "Took over group"),
    ("group.provisioned", "Provisioned group"),
    ("group.members_reported", "Read members of group"),
    ("group.renamed_there", "Noted another name in the directory of group"),
    ("group.gone_there", "Noted that the directory no longer has group"),
    ("group.back_there", "Noted that the directory has again group"),
    ("user.created", "Added user"),
    ("user.edited", "Edited user"),
    ("user.renamed", "Changed own name"),
    ("user.activated", "Activated user"),
    ("user.blocked", "Blocked user"),
    ("user.password_changed", "Changed own password"),
    ("user.password_set", "Set a password for"),
    ("user.access_signed", "Signed a token of the management API for"),
    ("user.invited", "Invited"),
    ("user.invited_again", "Sent invitation again to"),
    ("user.invitation_revoked", "Revoked invitation of"),
    ("user.invitation_accepted", "Accepted the invitation of"),
    ("user.signed_up", "Signed up as"),
    ("user.sign_up_confirmed", "Confirmed the sign-up of"),
    ("user.sign_up_forgotten", "Removed the unconfirmed sign-up of"),
    ("user.reset_asked", "Asked for a new password for"),
    ("user.sign_in_link_made", "Made sign-in link for"),
    ("user.signed_in_by_link", "Signed in by link"),
    ("user.reset_sent", "Sent password reset to"),
    ("user.password_reset", "Reset own password by link"),
    ("user.email_change_asked", "Asked for another address for"),
    ("user.email_change_withdrawn", "Withdrew the change of address of"),
    ("user.email_changed", "Changed own address"),
    ("user.account_closed", "Closed own account"),
    ("user.deleted", "Deleted user"),
    ("user.linked", "Linked an account of a provider to"),
    ("user.unlinked", "Unlinked an account of a provider from"),
    ("user.not_vouched_for", "Stopped vouching for"),
    ("user.groups_reported", "Changed external groups of"),
    ("user.taken_over", "Took over the account of"),
    ("user.attributes_provisioned", "Provisioned attributes of"),
    ("user.deprovisioned", "Stopped provisioning"),
    ("user.sessions_ended", "Ended sessions of user"),
    ("user.administrator_granted", "Made administrator"),
    ("user.administrator_revoked", "Took administrator role from"),
    ("product.created", "Added product"),
    ("product.edited", "Edited product"),
    ("product.deleted", "Deleted product"),
    ("product.published", "Published product"),
    ("product.unpublished", "Unpublished product"),
    ("product.visibility_changed", "Changed visibility of product"),
    ("product.apis_added", "Added APIs to product"),
    ("product.apis_removed", "Removed APIs from product"),
    ("api.imported", "Imported API"),
    ("api.created", "Added API"),
    ("api.edited", "Edited API"),
    ("api.operation_added", "Added an operation to API"),
    ("api.operation_edited", "Edited an operation of API"),
    ("api.operation_deleted", "Deleted an operation of API"),
    ("api.description_replaced", "Replaced description of API"),
    ("api.calls_configured", "Changed how to call API"),
    ("api.version_added", "Added a version of API"),
    ("api.version_joined", "Put into a version set API"),
    ("api.version_edited", "Edited the version of API"),
    ("api.version_removed", "Took out of its version set API"),
    ("api.deleted", "Deleted API"),
    ("subscription.created", "Added subscription"),
    ("subscription.cancelled", "Cancelled subscription"),
    ("subscription.approved", "Approved subscription"),
    ("subscription.declined", "Declined subscription"),
    ("subscription.suspended", "Suspended subscription"),
    ("subscription.activated", "Activated subscription"),
    ("subscription.expired", "Ended subscription"),
    ("subscription.end_changed", "Changed the end of subscription"),
    ("subscription.renamed", "Renamed subscription"),
    ("subscription.deleted", "Deleted subscription"),
    ("subscription.key_regenerated", "Replaced a key of subscription"),
    ("subscription.keys_shown", "Looked at keys of subscription"),
    ("mail.template_edited", "Edited text of mail"),
    ("mail.template_reset", "Reset text of mail"),
    ("mail.notifications_edited", "Changed who is told of"),
    ("mail.link_shown", "Looked at the link of"),
    ("mail.resent", "Sent mail again"),
    ("provider.created", "Added identity provider"),
    ("provider.edited", "Edited identity provider"),
    ("provider.deleted", "Deleted identity provider"),
    ("provider.secret_shown", "Looked at the client secret of identity provider"),
    ("provider.sign_in_refused", "Refused a sign-in by"),
    ("token.created", "Added token"),
    ("token.revoked", "Revoked token"),
    ("portal.sign_up_edited", "Changed"),
    ("portal.password_sign_in_edited", "Turned on or off"),
    ("portal.shared_access_edited", "Turned on or off"),
    ("portal.shared_access_shown", "Looked at the keys of"),
    ("portal.shared_access_key_replaced", "Replaced a key of"),
    ("portal.face_edited", "Changed name or look of"),
    ("portal.products_arranged", "Changed the order of products in"),
    ("portal.sample_added", "Added the sample data to"),
];

/// The actions that one click takes back, by an operation of the noun.
pub const UNDOABLE: &[&str] =
    &["group.members_added", "group.members_removed", "product.visibility_changed", "product.apis_added", "product.apis_removed"];

/// The kinds of subjects, and how a choice of one calls them.
pub const KINDS: &[(&str, &str)] = &[
    ("group", "Groups"),
    ("user", "Users"),
    ("product", "Products"),
    ("api", "APIs"),
    ("subscription", "Subscriptions"),
    ("mail", "Mails"),
    ("token", "Tokens"),
    ("provider", "Identity providers"),
    ("portal", "The portal"),
];

/// "Added members to group"; an action that the table does not know is read from its code.
pub fn action(code: &str) -> String {
    match ACTIONS.iter().find(|(known, _)| *known == code) {
        Some((_, words)) => (*words).to_owned(),
        None => readable(code),
    }
}

/// `api.version_set_joined` as "Api version set joined".
pub fn readable(code: &str) -> String {
    let words = code.replace(['.', '_'], " ");
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => words,
    }
}

/// The label of a field of `before` and `after`: the one its form has.
pub fn label(field: &str) -> String {
    match field {
        "display_name" => "Name",
        "name" => "Name in addresses",
        "suffix" => "URL suffix",
        "url_template" => "URL template",
        "apis" => "APIs",
        "administrator" => "Administrator",
        "first_name" => "First name",
        "last_name" => "Last name",
        "subscription_required" => "Require subscription",
        "approval_required" => "Require approval",
        "subscriptions_limit" => "Subscriptions per user",
        "product_display_name" => "Product",
        "product" => "Product in addresses",
        "group" => "Group in addresses",
        "format" => "Format of the description",
        "users" => "Users",
        "pending" => "Of them pending before",
        "opened" => "Opened to",
        "closed" => "Closed to",
        "terms" => "Terms of use",
        "terms_accepted" => "Terms accepted",
        "expires_at" => "Ends",
        "allowed" => "Allowed",
        "api_version" => "Version",
        "name_there" => "Name in its directory",
        other => return readable(other),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_words_and_a_known_kind() {
        for (code, words) in ACTIONS {
            let (noun, verb) = code.split_once('.').unwrap_or_default();
            assert!(KINDS.iter().any(|(kind, _)| *kind == noun), "{code}");
            assert!(!verb.is_empty() && words.starts_with(|c: char| c.is_ascii_uppercase()), "{code}: {words}");
            assert_eq!(ACTIONS.iter().filter(|(other, _)| other == code).count(), 1, "{code}");
        }
        assert_eq!(action("group.members_added"), "Added members to group");
        assert_eq!(action("widget.turned_round"), "Widget turned round");
        assert_eq!(label("display_name"), "Name");
        assert_eq!(label("colour_scheme"), "Colour scheme");
    }
}
