//! An operation's page: everything that its description says, as text and tables that need no script.

use std::sync::Arc;

use actix_web::web::Data;
use askama::Template;

use super::{
    api::{self, Section},
    subscribable,
};
use crate::{
    apis::description::{Body, Content, Detail, Field, Parameter, Response, Schema},
    app::Portal,
    auth::Visitor,
    calls::{self, Sample},
    catalog::{self, ApiPageParts, ApiSeen, OperationRow, OperationSeen, Product},
    error::Error,
    web::{
        self, Answer, Frame,
        form::Names,
        markdown::{self, SafeHtml},
    },
};

/// A parameter, or a response's header, as a row.
struct ParameterView {
    name: String,
    place: &'static str,
    required: bool,
    deprecated: bool,
    description: SafeHtml,
    schema: SchemaView,
}

struct SchemaView {
    summary: String,
    rows: Vec<RowView>,
    truncated: bool,
}

struct RowView {
    /// 0 to 8: deeper rows are drawn no further in.
    depth: u8,
    field: Field,
    description: SafeHtml,
}

/// A body in a media type.
struct ContentView {
    /// Every media type it comes in.
    media_types: String,
    schema: Option<SchemaView>,
    example: Option<String>,
}

struct BodyView {
    required: bool,
    description: SafeHtml,
    content: Vec<ContentView>,
}

struct ResponseView {
    status: String,
    tone: &'static str,
    /// How its description begins.
    short: String,
    /// All of it, when that is more.
    description: SafeHtml,
    headers: Vec<ParameterView>,
    content: Vec<ContentView>,
    /// The good answers, which are looked for first.
    open: bool,
}

fn markdown_of(text: Option<&String>) -> SafeHtml {
    text.map(|text| markdown::to_html(text)).unwrap_or_default()
}

impl From<Schema> for SchemaView {
    fn from(schema: Schema) -> Self {
        let rows = schema.rows.into_iter().map(|field| RowView {
            depth: field.depth.min(8),
            description: markdown_of(field.description.as_ref()),
            field,
        });
        Self { summary: schema.summary, rows: rows.collect(), truncated: schema.truncated }
    }
}

impl From<Parameter> for ParameterView {
    fn from(parameter: Parameter) -> Self {
        Self {
            description: markdown_of(parameter.description.as_ref()),
            name: parameter.name,
            place: parameter.place.word(),
            required: parameter.required,
            deprecated: parameter.deprecated,
            schema: parameter.schema.into(),
        }
    }
}

impl From<Content> for ContentView {
    fn from(content: Content) -> Self {
        let media_types = std::iter::once(content.media_type).chain(content.also_as).collect::<Vec<_>>().join(", ");
        Self { media_types, schema: content.schema.map(SchemaView::from), example: content.example }
    }
}

impl From<Body> for BodyView {
    fn from(body: Body) -> Self {
        let content = body.content.into_iter().map(ContentView::from).collect();
        Self { required: body.required, description: markdown_of(body.description.as_ref()), content }
    }
}

impl From<Response> for ResponseView {
    fn from(response: Response) -> Self {
        let text = response.description.unwrap_or_default();
        let short = markdown::to_text(&text, 160);
        let tone = match response.status.as_bytes().first() {
            Some(b'2') => "good",
            Some(b'4' | b'5') => "bad",
            Some(b'1' | b'3') => "info",
            _ => "",
        };
        Self {
            open: tone == "good",
            tone,
            description: if short == text.trim() { SafeHtml::default() } else { markdown::to_html(&text) },
            short,
            headers: response.headers.into_iter().map(ParameterView::from).collect(),
            content: response.content.into_iter().map(ContentView::from).collect(),
            status: response.status,
        }
    }
}

#[derive(Template)]
#[template(path = "catalog/operation.html")]
struct OperationPage {
    frame: Frame,
    description: SafeHtml,
    url: String,
    /// The other addresses that the API answers at.
    more_servers: Vec<String>,
    security: Vec<String>,
    parameters: Vec<ParameterView>,
    request: Option<BodyView>,
    responses: Vec<ResponseView>,
    sections: Vec<Section>,
    products: Vec<Arc<Product>>,
    api: ApiSeen,
    operation: OperationSeen,
    samples: Vec<Sample>,
}

/// Whether any of them says what it is for.
fn have_meaning(parameters: &[ParameterView]) -> bool {
    parameters.iter().any(|parameter| !parameter.description.is_empty() || !parameter.schema.rows.is_empty())
}

fn rows_have_meaning(rows: &[RowView]) -> bool {
    rows.iter().any(|row| !row.description.is_empty() || !row.field.constraints.is_empty())
}

impl OperationPage {
    fn operation_path_here(&self) -> String {
        api::operation_path(&self.api, &self.operation.name)
    }

    fn operation_path(&self, operation: &OperationRow) -> String {
        api::operation_path(&self.api, &operation.name)
    }
}

/// What calling it takes, with a place for the key where every product with the API asks for one.
fn samples_of(api: &ApiSeen, products: &[Arc<Product>], operation: &OperationSeen, detail: &Detail) -> Vec<Sample> {
    let servers = api.servers();
    let base = calls::bases(&servers).into_iter().next();
    let base = base.unwrap_or_else(|| servers.first().map(|server| server.url.trim_end_matches('/').to_owned()).unwrap_or_default());
    let key = products.iter().all(|product| product.subscription_required).then_some((api.key_header.as_str(), calls::YOUR_KEY));
    let asked = calls::entries(&operation.url_template, detail, &api.key_header).needed();
    calls::samples(&asked.example(&operation.method, &base, &operation.url_template, &calls::accepted(detail), key))
}

pub(super) async fn show(visitor: Visitor, portal: Data<Portal>, frame: Frame, Names(name, inner): Names) -> Answer {
    let found = catalog::find_api(&portal.db, &portal.catalog, &visitor, &name, &inner).await?.ok_or(Error::NotFound)?;
    let ApiPageParts { api, products, operations, operation, .. } = found;
    let operation = operation.ok_or(Error::NotFound)?;
    // What was stored before there were details has none.
    let detail: Detail = serde_json::from_str(&operation.detail).unwrap_or_default();
    let samples = samples_of(&api, &products, &operation, &detail);
    let mut addresses = api.servers().into_iter().map(|server| format!("{}{}", server.url.trim_end_matches('/'), operation.url_template));
    web::open_page(
        visitor.person().is_none(),
        &OperationPage {
            frame,
            description: markdown::to_html(&operation.description),
            url: addresses.next().unwrap_or_else(|| operation.url_template.clone()),
            more_servers: addresses.collect(),
            security: detail.security,
            parameters: detail.parameters.into_iter().map(ParameterView::from).collect(),
            request: detail.request.map(BodyView::from),
            responses: detail.responses.into_iter().map(ResponseView::from).collect(),
            sections: api::sections(&api, operations, false),
            products,
            api,
            operation,
            samples,
        },
    )
}
