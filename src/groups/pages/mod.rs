//! The Groups pages of the publisher portal.

mod outside;

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use outside::There;

use super::{DeletionEffects, Group, NewGroup, store};
use crate::{
    app::Portal,
    auth::Administrator,
    db::Instant,
    error::{Error, Problems},
    ids::UserId,
    users,
    web::{
        self, Answer, Flash, Form, Frame, Routes, counted,
        filters::{shortened, the},
        form::{Name, Query},
        paging::{Heading, Page, Pager},
        url::encode,
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/groups", list)
        .get("/publisher/new/group", add)
        .post("/publisher/new/group", create)
        .get("/publisher/groups/{name}", show)
        .post("/publisher/groups/{name}", edit)
        .get("/publisher/groups/{name}/delete", ask_delete)
        .post("/publisher/groups/{name}/delete", delete)
        .post("/publisher/groups/{name}/sync", outside::sync)
        .post("/publisher/groups/{name}/add-member", add_member)
        .post("/publisher/groups/{name}/remove-members", remove_members);
}

#[derive(Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    sort: String,
    page: Option<i64>,
    size: Option<i64>,
}

fn parse_sort(text: &str) -> (store::Sort, &'static str) {
    use store::Sort::*;
    match text {
        "-name" => (NameDown, "-name"),
        "type" => (Type, "type"),
        "-type" => (TypeDown, "-type"),
        "members" => (Members, "members"),
        "-members" => (MembersDown, "-members"),
        "products" => (Products, "products"),
        "-products" => (ProductsDown, "-products"),
        _ => (Name, "name"),
    }
}

/// The types of groups, as they are stored and as the list's filter calls them.
const KINDS: [(&str, &str); 3] = [("system", "System"), ("custom", "Custom"), ("external", "External")];

#[derive(Template)]
#[template(path = "groups/list.html")]
struct ListPage {
    frame: Frame,
    q: String,
    /// The type that is asked for; empty is any.
    chosen: &'static str,
    groups: Vec<store::GroupRow>,
    pager: Pager,
    name: Heading,
    kind: Heading,
    members: Heading,
    products: Heading,
}

async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let (sort, sorted) = parse_sort(&query.sort);
    let chosen = KINDS.iter().map(|(kind, _)| *kind).find(|kind| *kind == query.kind).unwrap_or_default();
    let mut connection = portal.db.read().await?;
    let (groups, total) = store::list(&mut connection, portal.db.now(), &query.q, chosen, sort, page.size, page.offset()).await?;
    let asked = [("q", query.q.as_str()), ("kind", chosen), ("sort", if sorted == "name" { "" } else { sorted })];
    let pager = Pager::new(page, total, "/publisher/groups", &asked);
    web::page(&ListPage {
        name: Heading::new(&pager, "name", sorted, false),
        kind: Heading::new(&pager, "type", sorted, false),
        members: Heading::new(&pager, "members", sorted, true),
        products: Heading::new(&pager, "products", sorted, true),
        frame,
        q: query.q,
        chosen,
        groups,
        pager,
    })
}

#[derive(Template)]
#[template(path = "groups/add.html")]
struct AddPage {
    frame: Frame,
    form: NewGroup,
    problems: Problems,
}

async fn add(_admin: Administrator, frame: Frame) -> Answer {
    web::page(&AddPage { frame, form: NewGroup::default(), problems: Problems::default() })
}

async fn create(admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, Form(form): Form<NewGroup>) -> Answer {
    match super::create(&portal.db, &admin, &form).await {
        Ok(group) => {
            Flash::good(format!("Added {}.", the("group", &group.display_name))).keep(&session)?;
            web::see_other(&group.path())
        }
        Err(Error::Invalid(problems)) => web::invalid(&AddPage { frame, form, problems }),
        Err(other) => Err(other),
    }
}

/// Users that are offered for adding at a time; more letters find the others.
const CANDIDATES: i64 = 10;

#[derive(Default, Deserialize)]
struct ShowQuery {
    #[serde(default)]
    q: String,
    /// Whom to look for among all users, to be added.
    #[serde(default)]
    find: String,
    page: Option<i64>,
    size: Option<i64>,
}

#[derive(Template)]
#[template(path = "groups/show.html")]
struct ShowPage {
    frame: Frame,
    group: Group,
    /// Of an external group.
    there: Option<There>,
    form: NewGroup,
    version: i64,
    /// What somebody else saved meanwhile, when this form is older.
    theirs: Option<NewGroup>,
    problems: Problems,
    q: String,
    members: Vec<store::MemberRow>,
    pager: Pager,
    products: Vec<store::ProductOfGroup>,
    who: String,
    /// Whom `who` may mean, and how many match.
    found: Option<(Vec<store::Candidate>, i64)>,
}

impl ShowPage {
    async fn load(portal: &Portal, frame: Frame, group: Group, query: &ShowQuery) -> Result<Self, Error> {
        let page = Page::new(query.page, query.size);
        let mut connection = portal.db.read().await?;
        let (members, total) = store::members(&mut connection, &group, portal.db.now(), &query.q, page.size, page.offset()).await?;
        let products = store::products_of(&mut connection, group.id).await?;
        let shown: Vec<UserId> = members.iter().map(|member| member.id).collect();
        let there = There::of(&mut connection, &group, &shown).await?;
        let found = match query.find.trim() {
            "" => None,
            find => Some(store::candidates(&mut connection, group.id, portal.db.now(), find, CANDIDATES).await?),
        };
        let form = NewGroup { display_name: group.display_name.clone(), description: group.description.clone() };
        Ok(Self {
            frame,
            pager: Pager::new(page, total, &group.path(), &[("q", &query.q)]),
            version: group.version,
            group,
            there,
            form,
            theirs: None,
            problems: Problems::default(),
            q: query.q.clone(),
            members,
            products,
            who: query.find.trim().to_owned(),
            found,
        })
    }

    /// Of an external group whose members are told of one by one.
    fn tells_when(&self) -> bool {
        self.there.as_ref().is_some_and(There::tells_when)
    }

    fn told(&self, user: &UserId) -> Option<Instant> {
        self.there.as_ref().and_then(|there| there.told(user))
    }

    async fn first(portal: &Portal, frame: Frame, group: Group) -> Result<Self, Error> {
        Self::load(portal, frame, group, &ShowQuery::default()).await
    }
}

async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name, Query(query): Query<ShowQuery>) -> Answer {
    let group = super::get(&mut portal.db.read().await?, &name).await?;
    web::page(&ShowPage::load(&portal, frame, group, &query).await?)
}

#[derive(Deserialize)]
struct EditForm {
    version: i64,
    #[serde(flatten)]
    group: NewGroup,
}

async fn edit(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<EditForm>,
) -> Answer {
    let outcome = super::edit(&portal.db, &admin, &name, form.version, &form.group).await;
    let group = super::get(&mut portal.db.read().await?, &name).await?;
    match outcome {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&group.path())
        }
        Err(Error::Invalid(problems)) => {
            let page = ShowPage::first(&portal, frame, group).await?;
            web::invalid(&ShowPage { problems, form: form.group, version: form.version, ..page })
        }
        Err(Error::Stale) => {
            let page = ShowPage::first(&portal, frame, group).await?;
            let theirs = Some(page.form.clone());
            web::page_with(actix_web::http::StatusCode::CONFLICT, &ShowPage { theirs, form: form.group, ..page })
        }
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "groups/delete.html")]
struct DeletePage {
    frame: Frame,
    group: Group,
    goes: Vec<String>,
    stays: Vec<String>,
}

fn sentences(effects: DeletionEffects) -> (Vec<String>, Vec<String>) {
    let goes = vec![
        "The group itself".to_owned(),
        format!("{}: the people stay, they are no longer in the group", counted(effects.members, "membership", "memberships")),
        format!(
            "{}: the products stay, they are no longer open to the group",
            counted(effects.products, "product’s visibility", "products’ visibility")
        ),
    ];
    let stays = vec![if effects.hidden_subscriptions == 0 {
        "Every subscription; none is hidden from its owner by this".to_owned()
    } else {
        format!(
            "{} will no longer see the product; the keys keep working",
            counted(effects.hidden_subscriptions, "live subscription whose owner", "live subscriptions whose owners")
        )
    }];
    (goes, stays)
}

async fn ask_delete(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let group = super::get(&mut portal.db.read().await?, &name).await?;
    if group.is_system() {
        return Err(super::SYSTEM);
    }
    let (goes, stays) = sentences(super::deletion_effects(&portal.db, &group).await?);
    web::page(&DeletePage { frame, group, goes, stays })
}

async fn delete(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let group = super::delete(&portal.db, &admin, &name).await?;
    Flash::good(format!("Deleted {}.", the("group", &group.display_name))).keep(&session)?;
    web::see_other("/publisher/groups")
}

#[derive(Deserialize)]
struct MemberForm {
    #[serde(default)]
    who: String,
}

async fn add_member(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<MemberForm>,
) -> Answer {
    let mut connection = portal.db.read().await?;
    let group = super::get(&mut connection, &name).await?;
    let found = store::find_user(&mut connection, &form.who).await?;
    drop(connection);
    match found.as_slice() {
        _ if form.who.trim().is_empty() => {
            let page = ShowPage::first(&portal, frame, group).await?;
            web::invalid(&ShowPage { problems: Problems::one("who", "Type a name or an email address."), ..page })
        }
        [user] if group.is_custom() => {
            let outcome = super::add_members(&portal.db, &admin, &group.name, &[user.id]).await?;
            if outcome.changed == 1 {
                Flash::good(format!("Added {} to {}.", user.display(), shortened(&group.display_name, 80)))
                    .with_undo(outcome.entry)
                    .keep(&session)?;
            } else {
                Flash::good(format!("{} was already a member of {}.", user.display(), shortened(&group.display_name, 80)))
                    .keep(&session)?;
            }
            web::see_other(&group.path())
        }
        _ if group.is_system() => Err(super::SYSTEM),
        // A part of a name, or one that several people have: the page shows whom it may mean.
        _ => web::see_other(&format!("{}?find={}#add", group.path(), encode(form.who.trim()))),
    }
}

#[derive(Deserialize)]
struct TickedForm {
    #[serde(default)]
    user: Vec<String>,
}

async fn remove_members(
    admin: Administrator,
    portal: Data<Portal>,
    session: Session,
    Name(name): Name,
    Form(form): Form<TickedForm>,
) -> Answer {
    let group = super::get(&mut portal.db.read().await?, &name).await?;
    if form.user.is_empty() {
        Flash::warn("Nobody was ticked, so nobody was removed.").keep(&session)?;
        return web::see_other(&group.path());
    }
    let keys: Vec<UserId> = users::keys_of(&mut portal.db.read().await?, &form.user).await?;
    let outcome = super::remove_members(&portal.db, &admin, &group.name, &keys).await?;
    let people = counted(outcome.changed, "member", "members");
    let rest =
        if outcome.unchanged == 0 { String::new() } else { format!(" ({} not in it by hand)", counted(outcome.unchanged, "was", "were")) };
    Flash::good(format!("Removed {people} from {}{rest}.", shortened(&group.display_name, 80))).with_undo(outcome.entry).keep(&session)?;
    web::see_other(&group.path())
}
