//! APIs and operations as programs write them: made or changed in one transaction, with what pages do in several forms.

use super::{
    Api, BY_HAND, EditApi, Made, NewApi, NewOperation, NewParameter, add_operation_in, create_in, delete_in,
    description::{Contact, License},
    editing::edit_in,
    find_operation, get, import_in,
    operating::{Kept, delete_operation_in, edit_operation_in},
    operation_form::NewResponse,
    reading::{Document, read},
    replace_description_in, store,
};
use crate::{
    auth::Administrator,
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
    ids,
    ids::ProductId,
    rest::{Seen, Wanted},
};

/// What a program says of an API. What is left out of a change stays as it is; None within is nothing.
#[derive(Clone, Debug, Default)]
pub struct Written {
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub suffix: Option<String>,
    pub service_url: Option<Option<String>>,
    pub api_version: Option<String>,
    pub contact: Option<Option<Contact>>,
    pub license: Option<Option<License>>,
    /// A description to be imported, or to take the place of the one that is there.
    pub document: Option<Vec<u8>>,
}

const OF_DOCUMENT: &str = "This API was imported: what its description says is changed by another description.";

impl Written {
    /// The form of an API with what is given in it.
    ///
    /// # Errors
    /// `Invalid` on what a description says, and is to be different.
    fn over(&self, api: &Api) -> Result<EditApi, Error> {
        let form = EditApi::of(api);
        let Some(mut made) = form.made else {
            let facts = api.facts();
            let first = api.servers().into_iter().next().map(|server| server.url);
            if self.service_url.as_ref().is_some_and(|given| *given != first) {
                return Err(Error::invalid("serviceUrl", OF_DOCUMENT));
            }
            if self.contact.as_ref().is_some_and(|given| *given != facts.contact) {
                return Err(Error::invalid("contact", OF_DOCUMENT));
            }
            if self.license.as_ref().is_some_and(|given| *given != facts.license) {
                return Err(Error::invalid("license", OF_DOCUMENT));
            }
            return Ok(self.own(form));
        };
        if let Some(service_url) = &self.service_url {
            let mut lines: Vec<&str> = made.servers.lines().skip(1).collect();
            lines.splice(0..0, service_url.as_deref());
            made.servers = lines.join("\n");
        }
        if let Some(contact) = &self.contact {
            let contact = contact.clone().unwrap_or(Contact { name: None, url: None, email: None });
            made.contact_name = contact.name.unwrap_or_default();
            made.contact_url = contact.url.unwrap_or_default();
            made.contact_email = contact.email.unwrap_or_default();
        }
        if let Some(license) = &self.license {
            let license = license.clone().unwrap_or(License { name: String::new(), url: None });
            made.license_name = license.name;
            made.license_url = license.url.unwrap_or_default();
        }
        if let Some(api_version) = &self.api_version {
            made.api_version = api_version.clone();
        }
        Ok(self.own(EditApi { made: Some(made), ..form }))
    }

    fn own(&self, form: EditApi) -> EditApi {
        EditApi {
            display_name: self.display_name.clone().unwrap_or(form.display_name),
            description: self.description.clone().unwrap_or(form.description),
            suffix: self.suffix.clone().unwrap_or(form.suffix),
            ..form
        }
    }

    /// What can be said before anything is read.
    fn check(&self) -> Result<(), Error> {
        let mut problems = Problems::default();
        if let Some(api_version) = &self.api_version {
            problems.line("apiVersion", "The version", api_version, 0, 100);
        }
        problems.or(())
    }

    /// Somebody says one of it, and a document is not the place for it.
    fn is_said_apart(&self) -> bool {
        self.display_name.is_some() || self.description.is_some() || self.suffix.is_some()
    }
}

async fn document(bytes: &Option<Vec<u8>>) -> Result<Option<Document>, Error> {
    match bytes {
        Some(bytes) => read(bytes.clone()).await.map(Some),
        None => Ok(None),
    }
}

/// Makes the API of this name, or changes the one that is there. Whether it was made; the API.
///
/// # Errors
/// As `create`, `import`, `edit` and `replace_description`; `Stale` when the API is not as it was seen.
pub async fn put(db: &Database, admin: &Administrator, name: &str, seen: Seen, written: &Written) -> Result<(bool, Api), Error> {
    ids::check_name("apiId", name, 256)?;
    written.check()?;
    if written.suffix.as_deref().is_none_or(|suffix| suffix.trim().trim_matches('/').is_empty()) {
        return Err(Error::invalid("suffix", "Say where the API is reached: the path behind the gateway's address."));
    }
    let document = document(&written.document).await?;
    let mut tx = db.write().await?;
    tx.one_at_a_time("put API", ids::number_of(name)).await?;
    let found = store::find(&mut tx, name).await?;
    seen.meets(found.as_ref().map(|api| api.version))?;
    let created = match found {
        Some(api) => {
            change_in(&mut tx, admin, &api, seen.version(), (written, document.as_ref())).await?;
            false
        }
        None => {
            make_in(&mut tx, admin, name, (written, document.as_ref())).await?;
            true
        }
    };
    let api = get(&mut tx, name).await?;
    tx.commit().await?;
    Ok((created, api))
}

async fn make_in(
    tx: &mut Transaction,
    admin: &Administrator,
    name: &str,
    (written, document): (&Written, Option<&Document>),
) -> Result<(), Error> {
    if name.contains(['*', '#', '&', '+', ':', '<', '>', '?']) {
        return Err(Error::invalid("apiId", "An API's name in addresses has none of * # & + : < > ?."));
    }
    let suffix = written.suffix.clone().unwrap_or_default();
    let Some(document) = document else {
        let made = Made { servers: written.service_url.clone().flatten().unwrap_or_default(), ..Made::default() };
        let new = EditApi { suffix, made: Some(made), ..EditApi::default() };
        let mut blank = create_form(written, new);
        if written.display_name.is_none() {
            name.clone_into(&mut blank.display_name);
        }
        create_in(tx, admin, &blank, Some(name)).await?;
        return Ok(());
    };
    let new = NewApi { display_name: written.display_name.clone(), suffix, ..NewApi::default() };
    let api = import_in(tx, admin, &new, document, Some(name)).await?;
    if let Some(description) = written.description.as_ref().filter(|description| !description.is_empty()) {
        let form = EditApi { description: description.clone(), ..EditApi::of(&api) };
        edit_in(tx, admin, &api, api.version, &form).await?;
    }
    Ok(())
}

/// What is written of an API that is made by hand.
fn create_form(written: &Written, blank: EditApi) -> EditApi {
    let mut made = blank.made.unwrap_or_default();
    made.api_version = written.api_version.clone().unwrap_or_default();
    if let Some(contact) = written.contact.clone().flatten() {
        made.contact_name = contact.name.unwrap_or_default();
        made.contact_url = contact.url.unwrap_or_default();
        made.contact_email = contact.email.unwrap_or_default();
    }
    if let Some(license) = written.license.clone().flatten() {
        made.license_name = license.name;
        made.license_url = license.url.unwrap_or_default();
    }
    EditApi {
        display_name: written.display_name.clone().unwrap_or_default(),
        description: written.description.clone().unwrap_or_default(),
        made: Some(made),
        ..blank
    }
}

/// Changes what is given of an API.
///
/// # Errors
/// As `put`; `NotFound`.
pub async fn patch(db: &Database, admin: &Administrator, name: &str, at: Option<i64>, written: &Written) -> Result<Api, Error> {
    written.check()?;
    let mut tx = db.write().await?;
    let api = get(&mut tx, name).await?;
    change_in(&mut tx, admin, &api, at, (written, None)).await?;
    let api = get(&mut tx, name).await?;
    tx.commit().await?;
    Ok(api)
}

async fn change_in(
    tx: &mut Transaction,
    admin: &Administrator,
    api: &Api,
    at: Option<i64>,
    (written, document): (&Written, Option<&Document>),
) -> Result<(), Error> {
    if at.is_some_and(|at| at != api.version) {
        return Err(Error::Stale);
    }
    let Some(document) = document else {
        edit_in(tx, admin, api, api.version, &written.over(api)?).await?;
        return Ok(());
    };
    let api = replace_description_in(tx, admin, &api.name, Some(api.version), document).await?.api;
    if written.is_said_apart() {
        edit_in(tx, admin, &api, api.version, &written.own(EditApi::of(&api))).await?;
    }
    Ok(())
}

/// Deletes an API at this version, whatever subscriptions reach it.
///
/// # Errors
/// `NotFound`; `Stale`.
pub async fn delete_at(db: &Database, admin: &Administrator, name: &str, at: Option<i64>) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let api = get(&mut tx, name).await?;
    if at.is_some_and(|at| at != api.version) {
        return Err(Error::Stale);
    }
    delete_in(&mut tx, admin, &api, i64::MAX).await?;
    tx.commit().await
}

/// APIs that a product contains, for programs.
pub async fn listing_of_product(connection: &mut Connection, product: ProductId, wanted: &Wanted) -> Result<(Vec<Api>, i64), Error> {
    store::programs::listing(connection, wanted, |statement| {
        statement.filter("a.id in (select pa.api_id from product_apis pa where pa.product_id =").bind(product).sql(")");
    })
    .await
}

/// What a program says of an operation. What is left out of a change stays as it is.
#[derive(Clone, Debug, Default)]
pub struct WrittenOperation {
    pub display_name: Option<String>,
    pub method: Option<String>,
    pub url_template: Option<String>,
    pub description: Option<String>,
    /// Those of the path.
    pub template_parameters: Option<Vec<NewParameter>>,
    pub request: Option<WrittenRequest>,
    pub responses: Option<Vec<NewResponse>>,
}

/// What is sent.
#[derive(Clone, Debug, Default)]
pub struct WrittenRequest {
    pub description: String,
    /// Of the query, and headers.
    pub parameters: Vec<NewParameter>,
    /// Empty when no body is sent.
    pub body_type: String,
    pub body_example: String,
}

impl WrittenOperation {
    fn over(&self, mut form: NewOperation) -> NewOperation {
        let set = |slot: &mut String, given: &Option<String>| {
            if let Some(given) = given {
                slot.clone_from(given);
            }
        };
        set(&mut form.display_name, &self.display_name);
        set(&mut form.method, &self.method);
        set(&mut form.url_template, &self.url_template);
        set(&mut form.description, &self.description);
        if let Some(parameters) = &self.template_parameters {
            form.parameters.retain(|one| one.place != "path");
            form.parameters.splice(0..0, parameters.iter().cloned());
        }
        if let Some(request) = &self.request {
            // What the contract has no place for stays.
            form.parameters.retain(|one| !matches!(one.place.as_str(), "query" | "header"));
            form.parameters.extend(request.parameters.iter().cloned());
            form.body_type.clone_from(&request.body_type);
            form.body_example.clone_from(&request.body_example);
            form.body_required &= !request.body_type.is_empty();
            form.body_description = if request.body_type.is_empty() { String::new() } else { request.description.clone() };
        }
        if let Some(responses) = &self.responses {
            form.responses.clone_from(responses);
        }
        form
    }
}

/// Makes the operation of this name, or changes the one that is there. Whether it was made; the operation.
///
/// # Errors
/// As `add_operation` and `edit_operation`; `Stale` when the operation is not as it was seen.
pub async fn put_operation(
    db: &Database,
    admin: &Administrator,
    api: &str,
    name: &str,
    seen: Seen,
    written: &WrittenOperation,
) -> Result<(bool, Kept), Error> {
    let mut tx = db.write().await?;
    tx.one_at_a_time("put operation", ids::number_of(api)).await?;
    let held = get(&mut tx, api).await?;
    let found = find_operation(&mut tx, &held, name).await?;
    seen.meets(found.as_ref().map(|kept| kept.whole.version))?;
    let created = match found {
        Some(kept) => {
            change_operation_in(&mut tx, admin, api, &kept, seen.version(), written).await?;
            false
        }
        None => {
            let blank = NewOperation { name: name.to_owned(), ..NewOperation::default() };
            add_operation_in(&mut tx, admin, api, &written.over(blank)).await?;
            true
        }
    };
    let kept = find_operation(&mut tx, &held, name).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok((created, kept))
}

/// Changes what is given of an operation.
///
/// # Errors
/// As `put_operation`; `NotFound`.
pub async fn patch_operation(
    db: &Database,
    admin: &Administrator,
    api: &str,
    name: &str,
    at: Option<i64>,
    written: &WrittenOperation,
) -> Result<Kept, Error> {
    let mut tx = db.write().await?;
    let held = get(&mut tx, api).await?;
    let kept = find_operation(&mut tx, &held, name).await?.ok_or(Error::NotFound)?;
    change_operation_in(&mut tx, admin, api, &kept, at, written).await?;
    let kept = find_operation(&mut tx, &held, name).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(kept)
}

async fn change_operation_in(
    tx: &mut Transaction,
    admin: &Administrator,
    api: &str,
    kept: &Kept,
    at: Option<i64>,
    written: &WrittenOperation,
) -> Result<(), Error> {
    if at.is_some_and(|at| at != kept.whole.version) {
        return Err(Error::Stale);
    }
    edit_operation_in(tx, admin, api, &kept.whole.name, kept.whole.version, &written.over(NewOperation::of(kept))).await?;
    Ok(())
}

/// Deletes an operation at this version.
///
/// # Errors
/// As `delete_operation`; `Stale`.
pub async fn delete_operation_at(db: &Database, admin: &Administrator, api: &str, name: &str, at: Option<i64>) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let held = get(&mut tx, api).await?;
    if find_operation(&mut tx, &held, name).await?.is_none() {
        return Err(Error::NotFound);
    }
    delete_operation_in(&mut tx, admin, api, name, at).await?;
    tx.commit().await
}

impl Api {
    /// What came as a description, and not by hand.
    pub fn is_imported(&self) -> bool {
        self.format != BY_HAND
    }
}
