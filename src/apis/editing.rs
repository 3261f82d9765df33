//! What a form says about an API: of every one its name, suffix, description and tags; of one that is made by hand also what a document
//! says otherwise.

use super::{
    Api, BY_HAND, Facts, SUFFIX_TAKEN,
    description::{Contact, License, Server},
    get,
    importing::{free_name, free_suffix},
    rows::Row,
    store, subject, suffix, suffix_taken,
};
use crate::{
    audit,
    auth::Administrator,
    db::{Database, Transaction},
    error::{Error, Problems},
    ids,
};

/// Characters of an API's description: as many as are read from a document.
const DESCRIPTION: usize = 100_000;
/// Tags of one API, and characters of each.
const TAGS: (usize, usize) = (20, 60);
/// Servers of one API, as many as are read from a document.
const SERVERS: usize = 20;

/// What a form says about an API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditApi {
    pub display_name: String,
    /// Markdown.
    pub description: String,
    pub suffix: String,
    /// Separated by commas.
    pub tags: String,
    /// Of one that is made by hand.
    pub made: Option<Made>,
}

/// What a document says of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    pub api_version: String,
    /// One a line: an address, and behind a space what it is.
    pub servers: String,
    pub contact_name: String,
    pub contact_url: String,
    pub contact_email: String,
    pub license_name: String,
    pub license_url: String,
}

/// The tags that a field names, each once, as they were written.
pub fn tags_of(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split([',', '\n']) {
        let tag = tag.split_whitespace().collect::<Vec<_>>().join(" ");
        if !tag.is_empty() && !tags.iter().any(|known| ids::fold(known) == ids::fold(&tag)) {
            tags.push(tag);
        }
    }
    tags
}

pub(super) fn check_tags(text: &str, problems: &mut Problems) -> Vec<String> {
    let tags = tags_of(text);
    let (most, length) = TAGS;
    if tags.len() > most {
        problems.add("tags", format!("An API may have {most} tags; these are {}.", tags.len()));
    } else if let Some(long) = tags.iter().find(|tag| tag.chars().count() > length) {
        problems.add("tags", format!("A tag may have {length} characters; one has {}.", long.chars().count()));
    } else if tags.iter().any(|tag| tag.chars().any(char::is_control)) {
        problems.add("tags", "A tag contains a control character.");
    }
    tags
}

impl EditApi {
    pub fn of(api: &Api) -> Self {
        Self {
            display_name: api.display_name.clone(),
            description: api.description.clone(),
            suffix: api.suffix.clone(),
            tags: api.own_tags().join(", "),
            made: api.is_by_hand().then(|| Made::of(api)),
        }
    }

    /// The columns that it changes, on an API that was made by hand or imported.
    fn check(&self, before: &Api, suffix_may_be_empty: bool) -> Result<Api, Error> {
        let mut problems = Problems::default();
        let display_name = problems.line("display_name", "The display name", &self.display_name, 1, 300);
        let description = problems.text("description", "The description", &self.description, 0, DESCRIPTION).replace("\r\n", "\n");
        let suffix = match suffix::check(&self.suffix) {
            Ok(suffix) if suffix.is_empty() && !suffix_may_be_empty => Err("The URL suffix is missing.".to_owned()),
            checked => checked,
        };
        let suffix = suffix.unwrap_or_else(|why| {
            problems.add("suffix", why);
            String::new()
        });
        let own_tags = serde_json::to_string(&check_tags(&self.tags, &mut problems))?;
        let mut after = Api { display_name, description, suffix, own_tags, ..before.clone() };
        if let Some(made) = self.made.as_ref().filter(|_| before.is_by_hand()) {
            made.check(&mut after, &mut problems)?;
        }
        problems.or(after)
    }
}

impl Made {
    fn of(api: &Api) -> Self {
        let (facts, text) = (api.facts(), Option::unwrap_or_default);
        let line = |server: Server| format!("{} {}", server.url, server.description.unwrap_or_default()).trim_end().to_owned();
        let contact = facts.contact.unwrap_or(Contact { name: None, url: None, email: None });
        let license = facts.license.unwrap_or(License { name: String::new(), url: None });
        Self {
            api_version: api.api_version.clone(),
            servers: api.servers().into_iter().map(line).collect::<Vec<_>>().join("\n"),
            contact_name: text(contact.name),
            contact_url: text(contact.url),
            contact_email: text(contact.email),
            license_name: license.name,
            license_url: text(license.url),
        }
    }

    fn check(&self, after: &mut Api, problems: &mut Problems) -> Result<(), Error> {
        let some = |text: String| (!text.is_empty()).then_some(text);
        after.api_version = problems.line("api_version", "The version", &self.api_version, 0, 200);
        let contact = Contact {
            name: some(problems.line("contact_name", "The contact’s name", &self.contact_name, 0, 200)),
            url: some(web_address("contact_url", &self.contact_url, problems)),
            email: some(problems.line("contact_email", "The contact’s address", &self.contact_email, 0, 254)),
        };
        if contact.email.as_ref().is_some_and(|email| !ids::is_email(email)) {
            problems.add("contact_email", "This is not an email address.");
        }
        let license = License {
            name: problems.line("license_name", "The licence’s name", &self.license_name, 0, 200),
            url: some(web_address("license_url", &self.license_url, problems)),
        };
        if license.name.is_empty() && license.url.is_some() {
            problems.add("license_name", "The licence has an address, and no name.");
        }
        let facts = Facts {
            contact: (contact.name.is_some() || contact.url.is_some() || contact.email.is_some()).then_some(contact),
            license: (!license.name.is_empty()).then_some(license),
            ..after.facts()
        };
        after.facts = serde_json::to_string(&facts)?;
        after.servers = serde_json::to_string(&self.check_servers(problems))?;
        Ok(())
    }

    fn check_servers(&self, problems: &mut Problems) -> Vec<Server> {
        let mut servers = Vec::new();
        for line in self.servers.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (url, words) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let known = url.starts_with("https://") || url.starts_with("http://") || url.starts_with('/');
            if !known {
                problems.add("servers", format!("A server begins with https://, http:// or /; “{}” does not.", super::shortened(url)));
            } else if line.chars().count() > 2_000 || line.chars().any(char::is_control) {
                problems.add("servers", "A line may have 2,000 characters, and no control character.");
            }
            let description = Some(words.trim().to_owned()).filter(|text| !text.is_empty());
            servers.push(Server { url: url.to_owned(), description });
        }
        if servers.len() > SERVERS {
            problems.add("servers", format!("An API may have {SERVERS} servers; these are {}.", servers.len()));
        }
        servers
    }
}

fn web_address(field: &'static str, text: &str, problems: &mut Problems) -> String {
    let text = problems.line(field, "The address", text, 0, 2_000);
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !text.is_empty() && !matches!(scheme.as_deref(), Some("http" | "https")) {
        problems.add(field, "An address begins with https:// or http://.");
    }
    text
}

/// Changes what the form says. False when nothing is different.
///
/// # Errors
/// `Stale` when the API is no longer at the version the form was shown; `Invalid`.
pub async fn edit(db: &Database, admin: &Administrator, name: &str, version: i64, new: &EditApi) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let api = get(&mut tx, name).await?;
    let changed = edit_in(&mut tx, admin, &api, version, new).await?;
    tx.commit().await?;
    Ok(changed)
}

/// As `edit`, of an API that was read in the caller's transaction.
pub(super) async fn edit_in(tx: &mut Transaction, admin: &Administrator, api: &Api, version: i64, new: &EditApi) -> Result<bool, Error> {
    let after = new.check(api, false)?;
    if EditApi::of(&after) == EditApi::of(api) {
        return Ok(false);
    }
    if store::suffix_taken(tx, &after.suffix, Some(api.id)).await? {
        return Err(Error::invalid("suffix", SUFFIX_TAKEN));
    }
    if !store::update(tx, &after, Some(version)).await.map_err(suffix_taken)? {
        return Err(Error::Stale);
    }
    audit::record(tx, admin.actor(), "api.edited", subject(&after), Some(api.audited()), Some(after.audited())).await?;
    Ok(true)
}

const NAMESAKE: &str = "There is an API of this name already. When another one is meant, give it a URL suffix.";

/// Makes an API by hand, without operations yet.
///
/// # Errors
/// `Invalid`, by field.
pub async fn create(db: &Database, admin: &Administrator, new: &EditApi) -> Result<Api, Error> {
    let mut tx = db.write().await?;
    let api = create_in(&mut tx, admin, new, None).await?;
    tx.commit().await?;
    Ok(api)
}

/// As `create`, in the caller's transaction and with a chosen name.
pub async fn create_in(tx: &mut Transaction, admin: &Administrator, new: &EditApi, name: Option<&str>) -> Result<Api, Error> {
    let now = tx.now();
    let blank = Api {
        id: ids::ApiId(0),
        name: String::new(),
        display_name: String::new(),
        description: String::new(),
        suffix: String::new(),
        api_version: String::new(),
        servers: "[]".to_owned(),
        tags: "[]".to_owned(),
        own_tags: "[]".to_owned(),
        version_set: None,
        set_version: String::new(),
        facts: "{}".to_owned(),
        format: BY_HAND.to_owned(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let api = new.check(&blank, true)?;
    if !api.suffix.is_empty() && store::suffix_taken(tx, &api.suffix, None).await? {
        return Err(Error::invalid("suffix", SUFFIX_TAKEN));
    }
    // Without a suffix of its own it may be the same form, sent a second time.
    if api.suffix.is_empty() && store::has_namesake(tx, &api).await? {
        return Err(Error::invalid("display_name", NAMESAKE));
    }
    let suffix = if api.suffix.is_empty() { free_suffix(tx, &api.display_name).await? } else { api.suffix.clone() };
    let name = match name {
        Some(name) => name.to_owned(),
        None => free_name(tx, &api.display_name).await?,
    };
    let row = Row {
        display_name: api.display_name.clone(),
        description: api.description.clone(),
        suffix,
        api_version: api.api_version.clone(),
        servers: api.servers.clone(),
        tags: api.tags.clone(),
        tag_names: String::new(),
        facts: api.facts.clone(),
        format: api.format.clone(),
        own_tags: api.own_tags(),
    };
    let api = store::insert(tx, &name, &row, None).await.map_err(suffix_taken)?;
    audit::record(tx, admin.actor(), "api.created", subject(&api), audit::NOTHING, Some(api.audited())).await?;
    Ok(api)
}
