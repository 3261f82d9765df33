//! A user's page: profile, groups, sessions, subscriptions, state and role.

use actix_session::Session;
use actix_web::{HttpRequest, http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::{directories::Accounts, sessions::SessionRow};
use crate::{
    app::Portal,
    auth::{
        Administrator, Again,
        pages::{again_given, own_session},
        sign_in,
    },
    catalog,
    error::{Error, Problem, Problems},
    ids::SubscriptionId,
    scim,
    users::{
        self, Activated, NewUser, User, UserState,
        invitations::{self, Invitation},
        sign_up::{self, Consent},
        store::show::{self, GroupBox, Held},
    },
    web::{
        self, Answer, Flash, Form, Frame, counted,
        filters::shortened,
        form::{Name, Names},
    },
};

#[derive(Template)]
#[template(path = "users/show.html")]
struct ShowPage {
    frame: Frame,
    user: User,
    invitation: Option<Invitation>,
    /// It has run out.
    late: bool,
    consent: Option<Consent>,
    /// The providers that keep the account.
    keepers: Vec<scim::Keeper>,
    /// Nobody has chosen a password with a link that was mailed there.
    unconfirmed: bool,
    form: NewUser,
    version: i64,
    /// What somebody else saved meanwhile, when this form is older.
    theirs: Option<NewUser>,
    problems: Problems,
    groups: Vec<GroupBox>,
    accounts: Accounts,
    sessions: Vec<SessionRow>,
    subscriptions: Vec<Held>,
    /// Live ones whose product the user no longer sees.
    hidden: Vec<SubscriptionId>,
    /// Whether this is the page of the administrator who looks at it.
    own: bool,
    /// Whether the administrator's password counts still.
    given: bool,
}

/// The field for one's own password in the form of the profile, of which the page has another.
const OWN_PASSWORD: &str = "own_password";

impl ShowPage {
    async fn load(portal: &Portal, frame: Frame, request: &HttpRequest, admin: &Administrator, name: &str) -> Result<Self, Error> {
        let given = again_given(request);
        let now = portal.db.now();
        let mut connection = portal.db.read().await?;
        let user = users::get(&mut connection, name).await?;
        let groups = show::boxes(&mut connection, user.id, now).await?;
        let accounts = Accounts::of(&mut connection, &user).await?;
        let subscriptions = show::subscriptions(&mut connection, user.id).await?;
        let invitation = invitations::of(&mut connection, user.id).await?;
        let consent = sign_up::consent_of(&mut connection, user.id).await?;
        let keepers = scim::keepers(&mut connection, user.id).await?;
        let unconfirmed = show::is_unconfirmed(&mut connection, user.id).await?;
        // Who cannot sign in sees nothing, and has not lost sight of anything.
        let sees = user.state == UserState::Active.as_str();
        let live: Vec<SubscriptionId> = subscriptions.iter().filter(|held| sees && held.is_live()).map(|held| held.id).collect();
        let hidden = catalog::without_sight(&mut connection, &live, now).await?;
        drop(connection);
        let sessions = sign_in::sessions_of(&portal.db, user.id, portal.limits()).await?;
        let own = admin.id() == Some(user.id);
        let here = if own { own_session(request) } else { String::new() };
        Ok(Self {
            frame,
            late: invitation.is_some_and(|invitation| invitation.expires_at <= now),
            invitation,
            consent,
            keepers,
            unconfirmed,
            form: user.as_form(),
            version: user.version,
            theirs: None,
            problems: Problems::default(),
            groups,
            accounts,
            sessions: SessionRow::all(sessions, &here),
            subscriptions,
            hidden,
            own,
            given,
            user,
        })
    }

    fn custom(&self) -> bool {
        self.groups.iter().any(|group| group.kind == "custom")
    }
}

pub(super) async fn show(admin: Administrator, request: HttpRequest, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&ShowPage::load(&portal, frame, &request, &admin, &name).await?)
}

#[derive(Deserialize)]
pub(super) struct EditForm {
    version: i64,
    #[serde(flatten)]
    user: NewUser,
    #[serde(default)]
    password: String,
}

/// Saves the profile; another address wants the administrator's own password.
pub(super) async fn edit(
    (admin, again): (Administrator, Again),
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<EditForm>,
) -> Answer {
    let mut connection = portal.db.read().await?;
    let own = again.who().person().name == users::get(&mut connection, &name).await?.name;
    let asks = !own && form.user.check().is_ok() && users::changes_address(&mut connection, &name, &form.user).await?;
    drop(connection);
    let confirmed = if asks { portal.confirm(&again, &form.password).await.map(Some) } else { Ok(None) };
    let given = again.is_given() || matches!(confirmed, Ok(Some(_)));
    let edited = match confirmed {
        Ok(confirmed) => users::edit(&portal.db, &portal.mail, (&admin, confirmed), &name, form.version, &form.user).await,
        Err(error) => Err(error),
    };
    match edited {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&users::path(&name))
        }
        Err(Error::Invalid(problems)) => {
            let page = ShowPage::load(&portal, frame, &request, &admin, &name).await?;
            let beside =
                |problem: Problem| Problem { field: if problem.field == "password" { OWN_PASSWORD } else { problem.field }, ..problem };
            let problems = Problems(problems.0.into_iter().map(beside).collect());
            web::invalid(&ShowPage { problems, form: form.user, version: form.version, given, ..page })
        }
        Err(Error::Stale) => {
            let page = ShowPage::load(&portal, frame, &request, &admin, &name).await?;
            let theirs = Some(page.form.clone());
            web::page_with(StatusCode::CONFLICT, &ShowPage { theirs, form: form.user, given, ..page })
        }
        Err(other) => Err(other),
    }
}

#[derive(Deserialize)]
pub(super) struct GroupsForm {
    /// Ticked when the form was shown.
    #[serde(default)]
    was: Vec<String>,
    #[serde(default)]
    group: Vec<String>,
}

pub(super) async fn set_groups(
    admin: Administrator,
    portal: Data<Portal>,
    session: Session,
    Name(name): Name,
    Form(form): Form<GroupsForm>,
) -> Answer {
    let changes = users::set_groups(&portal.db, &admin, &name, &form.was, &form.group).await?;
    let list = |groups: &[String]| groups.iter().map(|group| shortened(group, 60)).collect::<Vec<_>>().join(", ");
    let text = match (changes.added.is_empty(), changes.removed.is_empty()) {
        (true, true) => "No box was changed, so nothing was changed.".to_owned(),
        (false, true) => format!("Added to {}.", list(&changes.added)),
        (true, false) => format!("Removed from {}.", list(&changes.removed)),
        (false, false) => format!("Added to {}; removed from {}.", list(&changes.added), list(&changes.removed)),
    };
    Flash::good(text).with_undo(changes.entry).keep(&session)?;
    web::see_other(&users::path(&name))
}

#[derive(Template)]
#[template(path = "users/block.html")]
struct BlockPage {
    frame: Frame,
    user: User,
    goes: Vec<String>,
    stays: Vec<String>,
}

pub(super) async fn ask_block(_admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, Name(name): Name) -> Answer {
    let now = portal.db.now();
    let mut connection = portal.db.read().await?;
    let user = users::get(&mut connection, &name).await?;
    if user.state == "blocked" {
        Flash::good(BLOCKED_ALREADY).keep(&session)?;
        return web::see_other(&user.path());
    }
    let groups = show::boxes(&mut connection, user.id, now).await?;
    let counts = show::count_subscriptions(&mut connection, user.id).await?;
    drop(connection);
    let sessions = sign_in::sessions_of(&portal.db, user.id, portal.limits()).await?.len();
    let mut goes = vec![match sessions {
        0 => "Signing in: nobody can with this account".to_owned(),
        some => format!("Signing in, and {} at once", counted(i64::try_from(some).unwrap_or(i64::MAX), "session", "sessions")),
    }];
    if counts.active > 0 {
        let their = if counts.active == 1 { "its keys are" } else { "their keys are" };
        goes.push(format!(
            "{}: {their} refused while the account is blocked",
            counted(counts.active, "active subscription", "active subscriptions")
        ));
    }
    let member = groups.iter().filter(|group| group.by_hand || group.otherwise).count();
    let stays = vec![
        format!(
            "The account, with {} and {}",
            counted(i64::try_from(member).unwrap_or(i64::MAX), "group", "groups"),
            counted(counts.all, "subscription", "subscriptions")
        ),
        "The way back: Activate makes all of it work again".to_owned(),
    ];
    web::page(&BlockPage { frame, user, goes, stays })
}

const BLOCKED_ALREADY: &str = "This user was blocked already.";

pub(super) async fn block(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let changed = users::block(&portal.db, &admin, &name).await?;
    Flash::good(if changed { "Blocked. Every session has ended." } else { BLOCKED_ALREADY }).keep(&session)?;
    web::see_other(&users::path(&name))
}

#[derive(Template)]
#[template(path = "users/activate.html")]
struct ActivatePage {
    frame: Frame,
    user: User,
    given: bool,
    problems: Problems,
}

/// Asks before an administrator's role is given back; for others the button is enough.
pub(super) async fn ask_activate((_admin, again): (Administrator, Again), portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let user = users::get(&mut portal.db.read().await?, &name).await?;
    web::page(&ActivatePage { frame: Frame { section: "users", ..frame }, user, given: again.is_given(), problems: Problems::default() })
}

#[derive(Deserialize)]
pub(super) struct ActivateForm {
    #[serde(default)]
    password: String,
}

pub(super) async fn activate(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<ActivateForm>,
) -> Answer {
    let user = users::get(&mut portal.db.read().await?, &name).await?;
    let confirmed = if user.administrator { portal.confirm(&again, &form.password).await.map(Some) } else { Ok(None) };
    let activated = match confirmed {
        Ok(confirmed) => users::activate(&portal.db, &portal.mail, (&admin, confirmed), &name).await,
        Err(error) => Err(error),
    };
    match activated {
        Ok(activated) => {
            Flash::good(match activated {
                Activated::Already => "This user was active already.",
                Activated::Active => "Active: this person can sign in.",
                Activated::Mailed if portal.mail.leaves() => {
                    "Active. The address is not confirmed: a link to choose a password is on its way to it."
                }
                Activated::Mailed => {
                    "Active. The address is not confirmed: a link to choose a password is kept on the Mail page, not sent."
                }
                Activated::Pending => "Pending, as before the block: this person has not confirmed the address.",
            })
            .keep(&session)?;
            web::see_other(&users::path(&name))
        }
        Err(Error::Invalid(problems)) => {
            web::invalid(&ActivatePage { frame: Frame { section: "users", ..frame }, user, given: again.is_given(), problems })
        }
        Err(other) => Err(other),
    }
}

#[derive(Deserialize)]
pub(super) struct RoleForm {
    /// `grant` or `revoke`.
    #[serde(default)]
    role: String,
    #[serde(default)]
    password: String,
}

/// Gives or takes the role, after the administrator's own password.
pub(super) async fn change_role(
    (admin, again): (Administrator, Again),
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<RoleForm>,
) -> Answer {
    let grant = match form.role.as_str() {
        "grant" => true,
        "revoke" => false,
        _ => return Err(Error::BadRequest("The form does not say whether the role is given or taken.".to_owned())),
    };
    let (status, problems) = match portal.confirm(&again, &form.password).await {
        Ok(_) => match users::set_role(&portal.db, &admin, &name, grant).await {
            Ok(changed) => {
                let text = match (changed, grant) {
                    (true, true) => "Now an administrator.",
                    (true, false) => "No longer an administrator.",
                    (false, true) => "This user was an administrator already.",
                    (false, false) => "This user was no administrator.",
                };
                Flash::good(text).keep(&session)?;
                let own = again.who().person().name == name && changed;
                // Whoever has just given up the role can no longer see this page.
                return web::see_other(&if own { "/account".to_owned() } else { users::path(&name) });
            }
            Err(Error::Conflict(why)) => (StatusCode::CONFLICT, Problems::one("password", why)),
            Err(other) => return Err(other),
        },
        Err(Error::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
        Err(other) => return Err(other),
    };
    let page = ShowPage::load(&portal, frame, &request, &admin, &name).await?;
    web::page_with(status, &ShowPage { problems, ..page })
}

pub(super) async fn end_all_sessions(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let ended = users::end_sessions_of(&portal.db, &admin, &name, None).await?;
    Flash::good(format!("Ended {}.", counted(i64::try_from(ended).unwrap_or(i64::MAX), "session", "sessions"))).keep(&session)?;
    web::see_other(&users::path(&name))
}

pub(super) async fn end_session(admin: Administrator, portal: Data<Portal>, session: Session, Names(name, inner): Names) -> Answer {
    let ended = users::end_sessions_of(&portal.db, &admin, &name, Some(&inner)).await?;
    Flash::good(if ended > 0 { "Ended the session." } else { "This session had ended already." }).keep(&session)?;
    web::see_other(&users::path(&name))
}
