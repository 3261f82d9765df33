//! The operations of an API that was made by hand: adding one, changing it, deleting it. Those of an imported API are shown alone.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use crate::{
    apis::{self, Api, Kept, NewOperation, NewParameter, NewResponse, PLACES, TYPES, description::METHODS},
    app::Portal,
    auth::Administrator,
    error::{Error, Problems},
    ids,
    web::{
        self, Answer, Flash, Form, Frame,
        filters::the,
        form::{Name, Names},
        markdown::{self, SafeHtml},
    },
};

#[derive(Template)]
#[template(path = "apis/operation.html")]
struct OperationPage {
    frame: Frame,
    api: Api,
    form: NewOperation,
    /// It is not there yet.
    adding: bool,
    version: i64,
    /// Somebody else saved meanwhile: the fields that now read differently from what was typed here, as they read now.
    theirs: Option<Vec<(&'static str, String)>>,
    /// The form holds what is not saved.
    dirty: bool,
    preview: Option<SafeHtml>,
    methods: [&'static str; 8],
    places: [&'static str; 4],
    types: [&'static str; 10],
    problems: Problems,
}

impl OperationPage {
    fn new(frame: Frame, api: Api, form: NewOperation, adding: bool, version: i64) -> Self {
        Self {
            frame,
            api,
            form,
            adding,
            version,
            theirs: None,
            dirty: false,
            preview: None,
            methods: METHODS,
            places: PLACES,
            types: TYPES,
            problems: Problems::default(),
        }
    }

    fn path(&self) -> String {
        if self.adding { format!("{}/add-operation", self.api.path()) } else { path(&self.api, &self.form.name) }
    }

    fn title(&self) -> String {
        if self.form.display_name.is_empty() { self.form.name.clone() } else { self.form.display_name.clone() }
    }
}

fn path(api: &Api, operation: &str) -> String {
    format!("{}/operations/{}", api.path(), ids::encode(operation))
}

/// The fields as a browser sends them: rows are lists of the same length.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct OperationForm {
    version: Option<i64>,
    name: String,
    method: String,
    url_template: String,
    display_name: String,
    description: String,
    tags: String,
    deprecated: Option<String>,
    parameter_name: Vec<String>,
    parameter_place: Vec<String>,
    parameter_type: Vec<String>,
    parameter_required: Vec<String>,
    parameter_description: Vec<String>,
    body_type: String,
    body_required: Option<String>,
    body_description: String,
    body_example: String,
    response_status: Vec<String>,
    response_description: Vec<String>,
    response_type: Vec<String>,
    response_example: Vec<String>,
    /// Buttons that draw the form again: another row, one row less, what the Markdown becomes.
    add: Option<String>,
    remove_parameter: Option<usize>,
    remove_response: Option<usize>,
    preview: Option<String>,
}

/// Rows that a form may grow to while it is being filled in.
const MOST_ROWS: usize = 200;

impl OperationForm {
    fn typed(&self) -> NewOperation {
        let at = |list: &[String], index: usize| list.get(index).cloned().unwrap_or_default();
        let parameter = |index: usize| NewParameter {
            name: at(&self.parameter_name, index),
            place: at(&self.parameter_place, index),
            kind: at(&self.parameter_type, index),
            required: at(&self.parameter_required, index) == "yes",
            description: at(&self.parameter_description, index),
            values: None,
        };
        let response = |index: usize| NewResponse {
            status: at(&self.response_status, index),
            description: at(&self.response_description, index),
            body_type: at(&self.response_type, index),
            body_example: at(&self.response_example, index),
        };
        NewOperation {
            name: self.name.clone(),
            method: self.method.clone(),
            url_template: self.url_template.clone(),
            display_name: self.display_name.clone(),
            description: self.description.clone(),
            tags: self.tags.clone(),
            deprecated: self.deprecated.is_some(),
            parameters: (0..self.parameter_name.len().min(MOST_ROWS)).map(parameter).collect(),
            body_type: self.body_type.clone(),
            body_required: self.body_required.is_some(),
            body_description: self.body_description.clone(),
            body_example: self.body_example.clone(),
            responses: (0..self.response_status.len().min(MOST_ROWS)).map(response).collect(),
        }
    }

    /// Whether one of the buttons was pressed that save nothing; the rows are then as it says.
    fn redraws(&self, typed: &mut NewOperation) -> bool {
        match self.add.as_deref() {
            Some("parameter") => typed.parameters.push(row("", "query")),
            Some(_) => typed.responses.push(NewResponse::default()),
            None => {}
        }
        if let Some(index) = self.remove_parameter.filter(|index| *index < typed.parameters.len()) {
            typed.parameters.remove(index);
        }
        if let Some(index) = self.remove_response.filter(|index| *index < typed.responses.len()) {
            typed.responses.remove(index);
        }
        self.add.is_some() || self.remove_parameter.is_some() || self.remove_response.is_some() || self.preview.is_some()
    }
}

fn row(name: &str, place: &str) -> NewParameter {
    NewParameter {
        name: name.to_owned(),
        place: place.to_owned(),
        kind: TYPES[0].to_owned(),
        required: place == "path",
        description: String::new(),
        values: None,
    }
}

/// The form with what was typed and what came of it. A parameter of the template that has no row gets one.
fn again(mut page: OperationPage, problems: Problems) -> Answer {
    let missing = page.form.without_row();
    page.form.parameters.extend(missing.iter().map(|name| row(name, "path")));
    let problems = problems.0.into_iter().map(|mut problem| {
        if problem.field == "url_template" && problem.message.ends_with("path parameter below.") {
            problem.message.push_str(" A row was added for it: describe it, and save again.");
        }
        problem
    });
    web::invalid(&OperationPage { problems: Problems(problems.collect()), dirty: true, ..page })
}

const IMPORTED: &str = "The operations of an imported API come from its description. Replace the description to change them.";

async fn by_hand(portal: &Portal, name: &str) -> Result<Api, Error> {
    let api = apis::get(&mut portal.db.read().await?, name).await?;
    if api.is_by_hand() { Ok(api) } else { Err(Error::Conflict(IMPORTED.to_owned())) }
}

async fn find(portal: &Portal, name: &str, inner: &str) -> Result<(Api, Kept), Error> {
    let mut connection = portal.db.read().await?;
    let api = apis::get(&mut connection, name).await?;
    let kept = apis::find_operation(&mut connection, &api, inner).await?.ok_or(Error::NotFound)?;
    Ok((api, kept))
}

pub(super) async fn ask(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let api = by_hand(&portal, &name).await?;
    let responses = vec![NewResponse { status: "200".to_owned(), description: "OK".to_owned(), ..NewResponse::default() }];
    let form = NewOperation { method: "GET".to_owned(), responses, ..NewOperation::default() };
    web::page(&OperationPage::new(frame, api, form, true, 0))
}

pub(super) async fn add(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<OperationForm>,
) -> Answer {
    let api = by_hand(&portal, &name).await?;
    let mut typed = form.typed();
    if form.redraws(&mut typed) {
        let preview = form.preview.is_some().then(|| markdown::to_html(&typed.description));
        return web::page(&OperationPage { dirty: true, preview, ..OperationPage::new(frame, api, typed, true, 0) });
    }
    match apis::add_operation(&portal.db, &admin, &name, &typed).await {
        Ok(_) => {
            let said = Some(typed.display_name.trim()).filter(|said| !said.is_empty()).map(str::to_owned);
            let said = said.unwrap_or_else(|| format!("{} {}", typed.method, typed.url_template));
            Flash::good(format!("Added {}.", the("operation", &said))).keep(&session)?;
            web::see_other(&format!("{}#operations", api.path()))
        }
        Err(Error::Invalid(problems)) => again(OperationPage::new(frame, api, typed, true, 0), problems),
        Err(other) => Err(other),
    }
}

pub(super) async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Names(name, inner): Names) -> Answer {
    let (api, kept) = find(&portal, &name, &inner).await?;
    web::page(&OperationPage::new(frame, api, NewOperation::of(&kept), false, kept.whole.version))
}

/// The fields of `now` that are not as in `typed`.
fn differences(now: &NewOperation, typed: &NewOperation) -> Vec<(&'static str, String)> {
    let tidy = |text: &str| text.trim().replace("\r\n", "\n");
    let texts = [
        ("Method", &now.method, &typed.method),
        ("URL template", &now.url_template, &typed.url_template),
        ("Display name", &now.display_name, &typed.display_name),
        ("Description", &now.description, &typed.description),
        ("Tags", &now.tags, &typed.tags),
        ("Media type", &now.body_type, &typed.body_type),
        ("Description of the body", &now.body_description, &typed.body_description),
        ("Example", &now.body_example, &typed.body_example),
    ];
    let mut fields: Vec<(&'static str, String)> = texts
        .into_iter()
        .filter(|(_, now, typed)| tidy(now) != tidy(typed))
        .map(|(label, now, _)| (label, if now.is_empty() { "empty".to_owned() } else { now.clone() }))
        .collect();
    if now.deprecated != typed.deprecated {
        fields.push(("Deprecated", if now.deprecated { "yes" } else { "no" }.to_owned()));
    }
    if now.parameters != typed.parameters {
        let rows: Vec<String> = now.parameters.iter().map(|row| format!("{} ({}, {})", row.name, row.place, row.kind)).collect();
        fields.push(("Parameters", if rows.is_empty() { "none".to_owned() } else { rows.join(", ") }));
    }
    if now.responses != typed.responses {
        let rows: Vec<String> = now.responses.iter().map(|row| format!("{} {}", row.status, row.description)).collect();
        fields.push(("Responses", if rows.is_empty() { "none".to_owned() } else { rows.join(", ") }));
    }
    fields
}

pub(super) async fn edit(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Names(name, inner): Names,
    Form(form): Form<OperationForm>,
) -> Answer {
    let version =
        form.version.ok_or_else(|| Error::BadRequest("The form is incomplete: it does not say which version it was shown.".to_owned()))?;
    let (api, kept) = find(&portal, &name, &inner).await?;
    let mut typed = NewOperation { name: kept.whole.name.clone(), ..form.typed() };
    if form.redraws(&mut typed) {
        let preview = form.preview.is_some().then(|| markdown::to_html(&typed.description));
        return web::page(&OperationPage { dirty: true, preview, ..OperationPage::new(frame, api, typed, false, version) });
    }
    match apis::edit_operation(&portal.db, &admin, &name, &inner, version, &typed).await {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&path(&api, &kept.whole.name))
        }
        Err(Error::Invalid(problems)) => again(OperationPage::new(frame, api, typed, false, version), problems),
        Err(Error::Stale) => {
            let (api, kept) = find(&portal, &name, &inner).await?;
            let theirs = Some(differences(&NewOperation::of(&kept), &typed));
            let page = OperationPage::new(frame, api, typed, false, kept.whole.version);
            web::page_with(StatusCode::CONFLICT, &OperationPage { theirs, dirty: true, ..page })
        }
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "apis/operation_delete.html")]
struct DeletePage {
    frame: Frame,
    api: Api,
    name: String,
    display_name: String,
    goes: Vec<String>,
    stays: Vec<String>,
}

impl DeletePage {
    fn path(&self) -> String {
        path(&self.api, &self.name)
    }
}

pub(super) async fn ask_delete(_admin: Administrator, portal: Data<Portal>, frame: Frame, Names(name, inner): Names) -> Answer {
    by_hand(&portal, &name).await?;
    let (api, kept) = find(&portal, &name, &inner).await?;
    let goes = vec![
        format!("{} {}, with its parameters and responses", kept.whole.method, kept.whole.url_template),
        "Its page in the developer portal".to_owned(),
    ];
    let stays = vec![format!("{}, with its other operations", the("API", &api.display_name))];
    web::page(&DeletePage { frame, api, name: kept.whole.name, display_name: kept.whole.display_name, goes, stays })
}

pub(super) async fn delete(admin: Administrator, portal: Data<Portal>, session: Session, Names(name, inner): Names) -> Answer {
    let display_name = apis::delete_operation(&portal.db, &admin, &name, &inner).await?;
    Flash::good(format!("Deleted {}.", the("operation", &display_name))).keep(&session)?;
    web::see_other(&format!("{}#operations", apis::path(&name)))
}
