//! Invitations: addresses become pending users with a link each, which lets its holder in. Somebody is invited while pending with a link
//! that was not used, run out or not.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{NewName, User, UserFacts, UserState, bulk::Chosen, deletion, get, recovery::PRESSED_TWICE, sign_up, store};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{
        Administrator, Person, Proven,
        links::{self, Found, Purpose},
        password::{self, Passwords},
    },
    db::{Connection, Database, Instant, Transaction},
    error::{Error, Problems},
    groups,
    ids::{self, GroupId, UserId},
    mail::{self, Kind, Mail, Post, Recipient, Values},
    providers,
};

/// Whom one form may invite.
pub const MOST: usize = 1000;

/// Somebody to be invited, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitee {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
}

/// What is kept with the link of an invitation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Kept {
    groups: Vec<GroupId>,
}

/// What the audit log keeps of invitations.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct InvitedFacts {
    users: Vec<UserId>,
    /// Their names in addresses.
    groups: Vec<String>,
}

/// Cuts what was pasted at commas, semicolons and lines; `Name <address>` and `"Name, with a comma" <address>` are understood. What is
/// no address is in the second list, as typed.
pub fn parse(text: &str) -> (Vec<Invitee>, Vec<String>) {
    let (mut parts, mut part, mut quoted, mut angled) = (Vec::new(), String::new(), false, false);
    for character in text.chars() {
        match character {
            '\n' | '\r' => (quoted, angled) = (false, false),
            '"' => quoted = !quoted,
            '<' if !quoted => angled = true,
            '>' if !quoted => angled = false,
            _ => {}
        }
        if matches!(character, '\n' | '\r') || (matches!(character, ',' | ';') && !quoted && !angled) {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(character);
        }
    }
    parts.push(part);
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for part in parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        match invitee(part) {
            Some(invitee) => found.push(invitee),
            None => wrong.push(part.to_owned()),
        }
    }
    (found, wrong)
}

fn invitee(part: &str) -> Option<Invitee> {
    let (name, email) = match part.strip_suffix('>').and_then(|part| part.rsplit_once('<')) {
        Some((name, email)) => (name.trim().trim_matches('"').trim(), email.trim()),
        None => ("", part),
    };
    let email = email.strip_prefix("mailto:").unwrap_or(email);
    if !ids::is_email(email) || email.chars().count() > 254 || name.chars().any(char::is_control) {
        return None;
    }
    // Address books that know no name repeat the address; what else is no name is left out as well, and its owner says one.
    let name = if ids::not_in_names(name).is_some() { "" } else { name };
    // "Alves, Ana" as well as "Ana Alves".
    let (first, last) = match name.split_once(',') {
        Some((last, first)) => (first.trim(), last.trim()),
        None => name.split_once(char::is_whitespace).map_or((name, ""), |(first, last)| (first, last.trim())),
    };
    let short = |text: &str| text.chars().take(100).collect::<String>();
    Some(Invitee { email: email.to_owned(), first_name: short(first), last_name: short(last) })
}

/// What a form for invitations holds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewInvitations {
    pub addresses: String,
    /// Custom groups by name.
    pub group: Vec<String>,
}

/// What became of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invited {
    pub invited: usize,
    /// Of the mails, to look at their progress.
    pub batch: String,
    /// Whoever had an account or an invitation: address and state.
    pub known: Vec<(String, String)>,
    /// The user, when it is a single one.
    pub only: Option<String>,
}

/// Invites everybody who is not known yet, in one transaction; their mails leave afterwards.
///
/// # Errors
/// `Invalid` on `addresses`, and nobody is invited; `NotFound`, `SystemEntity` or `Conflict` for a group that nobody can be put into.
pub async fn invite(db: &Database, post: &Post, admin: &Administrator, new: &NewInvitations) -> Result<Invited, Error> {
    let (mut invitees, wrong) = parse(&new.addresses);
    let mut seen = HashSet::new();
    invitees.retain(|invitee| seen.insert(ids::fold(&invitee.email)));
    let mut problems = Problems::default();
    if !wrong.is_empty() {
        let shown: Vec<String> = wrong.iter().take(5).map(|part| format!("“{}”", part.chars().take(60).collect::<String>())).collect();
        let rest = if wrong.len() > shown.len() { format!(" and {} more", wrong.len() - shown.len()) } else { String::new() };
        let are = if wrong.len() == 1 { "is not an email address" } else { "are not email addresses" };
        problems.add("addresses", format!("{}{rest} {are}. Nobody was invited yet.", shown.join(", ")));
    } else if invitees.is_empty() {
        problems.add("addresses", "Type whom to invite.");
    } else if invitees.len() > MOST {
        problems.add("addresses", format!("At most 1,000 addresses at once; these are {}.", invitees.len()));
    }
    problems.or(())?;

    let mut tx = db.write().await?;
    let mut kept = Kept::default();
    for group in &new.group {
        kept.groups.push(groups::get_custom(&mut tx, group).await?.id);
    }
    let folded: Vec<String> = invitees.iter().map(|invitee| ids::fold(&invitee.email)).collect();
    sign_up::give_way(&mut tx, admin.actor(), &folded).await?;
    let known: HashMap<String, (String, String)> =
        store::invitations::known(&mut tx, &folded).await?.into_iter().map(|(folded, email, state)| (folded, (email, state))).collect();
    let known_in_order = folded.iter().filter_map(|folded| known.get(folded).cloned()).collect();
    invitees.retain(|invitee| !known.contains_key(&ids::fold(&invitee.email)));
    if invitees.is_empty() {
        return Ok(Invited { known: known_in_order, ..Invited::default() });
    }
    let named: Vec<(String, Invitee)> = invitees.into_iter().map(|invitee| (ids::random_name(12), invitee)).collect();
    let keys = store::invitations::insert(&mut tx, &named).await?;
    let people = named.into_iter().map(|(name, invitee)| person(&keys, name, invitee)).collect::<Result<Vec<_>, Error>>()?;
    let batch = mail_invitations(&mut tx, post, admin, people.iter().map(|person| (person.clone(), kept.clone())).collect()).await?;
    let facts = InvitedFacts { users: people.iter().map(|person| person.id).collect(), groups: new.group.clone() };
    audit::record(&mut tx, admin.actor(), "user.invited", subject_of(&people), NOTHING, Some(facts)).await?;
    tx.commit().await?;
    post.wake();
    let only = people.first().filter(|_| people.len() == 1).map(|person| person.name.clone());
    Ok(Invited { invited: people.len(), batch, known: known_in_order, only })
}

fn person(keys: &HashMap<String, UserId>, name: String, invitee: Invitee) -> Result<Person, Error> {
    let id = keys.get(&name).copied().ok_or_else(|| Error::internal("a user who was just added has no key"))?;
    let Invitee { email, first_name, last_name } = invitee;
    Ok(Person { id, name, email, first_name, last_name, administrator: false })
}

/// The person, or how many.
pub(super) fn subject_of(people: &[Person]) -> Subject {
    match people {
        [person] => Subject::new("user", person.id.0, person.display()),
        people => Subject { kind: "user", key: None, display: format!("{} people", people.len()) },
    }
}

/// Makes the links and writes the mails; the name of their batch.
async fn mail_invitations(tx: &mut Transaction, post: &Post, admin: &Administrator, people: Vec<(Person, Kept)>) -> Result<String, Error> {
    let batch = ids::random_name(12);
    let inviter = admin.person().map_or_else(|| "An administrator".to_owned(), Person::display);
    let wanted = people.iter().map(|(person, kept)| Ok((person.id, serde_json::to_string(kept)?))).collect::<Result<Vec<_>, Error>>()?;
    let paths = links::make_many(tx, Purpose::Invitation, &wanted).await?;
    let values = Values::default().set("ValidFor", Purpose::Invitation.life().1).set("Inviter", inviter);
    let mails = people.iter().zip(paths).map(|((person, _), path)| Mail {
        link: Some(post.url(&path)),
        batch: Some(batch.clone()),
        ..Mail::new(Kind::Invitation, Recipient::of(person), values.clone())
    });
    mail::write_many(tx, post, mails.collect()).await?;
    Ok(batch)
}

/// Invites somebody who was added as pending just now.
pub(super) async fn mail_one(tx: &mut Transaction, post: &Post, admin: &Administrator, person: Person) -> Result<(), Error> {
    mail_invitations(tx, post, admin, vec![(person, Kept::default())]).await?;
    Ok(())
}

/// An invitation, as the user's page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Invitation {
    pub made_at: Instant,
    pub expires_at: Instant,
}

/// That of a user who was invited and has not accepted.
pub async fn of(connection: &mut Connection, user: UserId) -> Result<Option<Invitation>, Error> {
    store::invitations::of(connection, user).await
}

/// Sends the invitations of the chosen again, with new links that are valid anew. How many, and the batch of their mails; whoever is not
/// invited, or was sent one a moment ago, is left out.
pub async fn invite_again(db: &Database, post: &Post, admin: &Administrator, chosen: &Chosen) -> Result<(usize, String), Error> {
    let mut tx = db.write().await?;
    let now = tx.now();
    let users = chosen.keys(&mut tx, now).await?;
    let open = store::invitations::open(&mut tx, &users, now.minus(PRESSED_TWICE)).await?;
    if open.is_empty() {
        return Ok((0, String::new()));
    }
    let people: Vec<Person> = open.iter().map(|open| open.user.person()).collect();
    let again =
        open.into_iter().map(|open| Ok((open.user.person(), serde_json::from_str(&open.data)?))).collect::<Result<Vec<_>, Error>>()?;
    let batch = mail_invitations(&mut tx, post, admin, again).await?;
    let facts = InvitedFacts { users: people.iter().map(|person| person.id).collect(), groups: Vec::new() };
    audit::record(&mut tx, admin.actor(), "user.invited_again", subject_of(&people), NOTHING, Some(facts)).await?;
    tx.commit().await?;
    post.wake();
    Ok((people.len(), batch))
}

/// Takes back the invitations of the chosen: their links end, and what is kept of them goes. How many; others are left as they are.
pub async fn revoke(db: &Database, admin: &Administrator, chosen: &Chosen) -> Result<usize, Error> {
    let mut tx = db.write().await?;
    let now = tx.now();
    let users = chosen.keys(&mut tx, now).await?;
    let open = store::invitations::open(&mut tx, &users, now.plus(PRESSED_TWICE)).await?;
    if open.is_empty() {
        return Ok(0);
    }
    let people: Vec<Person> = open.iter().map(|open| open.user.person()).collect();
    deletion::erase(&mut tx, &people).await?;
    let keys: Vec<UserId> = people.iter().map(|person| person.id).collect();
    let subject = match keys.as_slice() {
        [user] => Subject::new("user", user.0, deletion::name_of(*user)),
        keys => Subject { kind: "user", key: None, display: format!("{} people", keys.len()) },
    };
    let facts = InvitedFacts { users: keys, groups: Vec::new() };
    audit::record(&mut tx, admin.actor(), "user.invitation_revoked", subject, Some(facts), NOTHING).await?;
    tx.commit().await?;
    Ok(people.len())
}

/// Begins what was offered to a user who came in another way, and ends the invitation.
pub(super) async fn begin_in(tx: &mut Transaction, user: UserId) -> Result<(), Error> {
    let now = tx.now();
    if let Some(open) = store::invitations::kept(tx, user, now).await? {
        let kept: Kept = serde_json::from_str(&open)?;
        groups::begin_invited(tx, &kept.groups, user).await?;
    }
    links::forget(tx, Purpose::Invitation, user).await?;
    Ok(())
}

/// What an invitation's link opens.
pub async fn find(db: &Database, token: &str) -> Result<Found, Error> {
    let now = db.now();
    Ok(match links::find(&mut db.read().await?, now, Purpose::Invitation, token).await? {
        // An administrator may have activated or blocked the account meanwhile.
        Found::Open(holder) if holder.state != UserState::Pending.as_str() => Found::Used,
        found => found,
    })
}

/// Accepts an invitation: the account is active, and in the groups that came with it. Who may sign in now.
///
/// # Errors
/// `NotFound` when the link does not work, `find` says why; `Forbidden` while passwords are switched off: whoever is invited comes by a
/// provider then; `Invalid`, field by field.
pub async fn accept(
    db: &Database,
    passwords: &Passwords,
    post: &Post,
    token: &str,
    name: &NewName,
    (password, repeated): (&str, &str),
) -> Result<Proven, Error> {
    providers::demand_passwords(&mut db.read().await?).await?;
    let Found::Open(holder) = find(db, token).await? else { return Err(Error::NotFound) };
    let mut problems = Problems::default();
    let first_name = problems.person("first_name", "The first name", &name.first_name, 1);
    let last_name = problems.person("last_name", "The last name", &name.last_name, 1);
    password::check_twice(&mut problems, password, repeated, &[&holder.person.email, &first_name, &last_name]);
    problems.or(())?;
    let hash = passwords.hash(password).await?;
    let mut tx = db.write().await?;
    let Some(mut holder) = links::take(&mut tx, Purpose::Invitation, token).await? else { return Err(Error::NotFound) };
    let user = get(&mut tx, &holder.person.name).await?;
    let before = user.facts();
    (holder.person.first_name, holder.person.last_name) = (first_name.clone(), last_name.clone());
    let named = User { first_name: first_name.clone(), last_name: last_name.clone(), ..user.clone() };
    if !store::invitations::accept(&mut tx, &named, Some(&hash)).await? {
        return Err(Error::NotFound);
    }
    let kept: Kept = holder.data()?;
    groups::begin_invited(&mut tx, &kept.groups, user.id).await?;
    let after = UserFacts { first_name, last_name, state: UserState::Active.as_str().to_owned(), ..before.clone() };
    let subject = Subject::new("user", user.id.0, holder.person.display());
    audit::record(&mut tx, &holder.actor(), "user.invitation_accepted", subject, Some(before), Some(after)).await?;
    mail::write(&mut tx, post, Mail::new(Kind::NewDeveloper, Recipient::of(&holder.person), Values::default())).await?;
    tx.commit().await?;
    post.wake();
    Ok(holder.proven(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_is_understood() {
        let (found, wrong) = parse(
            "ana@contoso.example, Ben van Dyk <ben@contoso.example>; \"Alves, Cleo\" <cleo@contoso.example>\r\n\n  mailto:dan@contoso.example\nnobody, <eve@contoso.example>",
        );
        let read: Vec<_> = found.iter().map(|one| (one.email.as_str(), one.first_name.as_str(), one.last_name.as_str())).collect();
        assert_eq!(
            read,
            [
                ("ana@contoso.example", "", ""),
                ("ben@contoso.example", "Ben", "van Dyk"),
                ("cleo@contoso.example", "Cleo", "Alves"),
                ("dan@contoso.example", "", ""),
                ("eve@contoso.example", "", ""),
            ]
        );
        assert_eq!(wrong, ["nobody"]);
        assert_eq!(parse(" ,;\n "), (Vec::new(), Vec::new()));
        // A quote that is left open ends with its line.
        assert_eq!(parse("\"Ana <ana@contoso.example>\nben@contoso.example").0.len(), 2);
    }
}
