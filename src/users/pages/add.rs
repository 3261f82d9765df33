//! Adding a user.

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::{Administrator, SignedIn},
    error::{Error, Problems},
    users::{self, NewUser, store::show::GroupBox},
    web::{self, Answer, Flash, Form, Frame},
};

#[derive(Default, Deserialize)]
pub(super) struct AddForm {
    #[serde(flatten)]
    user: NewUser,
    #[serde(default)]
    password: String,
    #[serde(default)]
    group: Vec<String>,
}

#[derive(Template)]
#[template(path = "users/add.html")]
struct AddPage {
    frame: Frame,
    form: NewUser,
    groups: Vec<GroupBox>,
    problems: Problems,
}

/// Boxes of the form; a group beyond them is chosen afterwards, on its own page.
const BOXES: usize = 200;

impl AddPage {
    async fn load(me: &SignedIn, portal: &Portal, frame: Frame, form: AddForm, problems: Problems) -> Result<Self, Error> {
        let known = portal.groups.current(&portal.db, me.standing()).await?;
        let groups = known.custom().take(BOXES).map(|group| GroupBox::ticked(group, form.group.contains(&group.name))).collect();
        Ok(Self { frame, form: form.user, groups, problems })
    }
}

pub(super) async fn form(_admin: Administrator, me: SignedIn, portal: Data<Portal>, frame: Frame) -> Answer {
    web::page(&AddPage::load(&me, &portal, frame, AddForm::default(), Problems::default()).await?)
}

pub(super) async fn create(
    (admin, me): (Administrator, SignedIn),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<AddForm>,
) -> Answer {
    match users::create(&portal.db, &admin, &portal.passwords, &form.user, &form.password, &form.group).await {
        Ok(person) => {
            Flash::good(format!("Added {}.", person.display())).keep(&session)?;
            web::see_other(&users::path(&person.name))
        }
        Err(Error::Invalid(problems)) => web::invalid(&AddPage::load(&me, &portal, frame, form, problems).await?),
        Err(other) => Err(other),
    }
}
