//! How clients of the model find the portal and get in: the endpoints of the environment, and the client-credentials grant.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web::Data,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use utoipa::{ToSchema, openapi::Object};

use super::admit;
use crate::{
    app::Portal,
    error::Error,
    ids,
    rest::openapi::{self, Described},
    web::{Answer, Form, Routes, forwarded::origin},
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, "/metadata/endpoints", endpoints, || {
            openapi::answer::<Endpoints>("Read where everything of this environment is").without_a_token()
        })
        .on(Method::POST, "/{tenant}/oauth2/v2.0/token", grant, granting)
        .on(Method::POST, "/{tenant}/oauth2/token", grant, granting);
}

fn granting() -> Described {
    openapi::answer::<Granted>("Get a token for a token: the grant client_credentials")
        .says("RFC 6749, section 4.4. The client's id is the name of a token of scope read or write, its secret the token; Authorization: Basic will do.")
        .sends_form::<Grant>()
        .without_a_token()
        .or::<Refused>(400, "It is no such grant.")
        .or::<Refused>(401, "There is no such token of this name.")
        .or::<Refused>(413, "The form is too large.")
}

/// Where everything of an environment is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Endpoints<'a> {
    name: &'static str,
    portal: &'a str,
    resource_manager: &'a str,
    authentication: Authentication<'a>,
    graph: &'a str,
    graph_audience: &'a str,
    microsoft_graph_resource_id: &'a str,
    #[schema(value_type = Object)]
    suffixes: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EndpointsAuthentication)]
struct Authentication<'a> {
    login_endpoint: &'a str,
    #[schema(value_type = Vec<String>)]
    audiences: [&'a str; 1],
    tenant: &'static str,
    identity_provider: &'static str,
}

/// Where everything of this environment is: here.
async fn endpoints(request: HttpRequest, portal: Data<Portal>) -> Answer {
    let origin = origin(&request, &portal.settings);
    let here = origin.as_str();
    let authentication = Authentication { login_endpoint: here, audiences: [here], tenant: "common", identity_provider: "AAD" };
    let told = Endpoints {
        name: "Portico",
        portal: here,
        resource_manager: here,
        authentication,
        graph: here,
        graph_audience: here,
        microsoft_graph_resource_id: here,
        suffixes: serde_json::Map::new(),
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(told))
}

/// RFC 6749, section 4.4.
#[derive(Deserialize, ToSchema)]
struct Grant {
    #[serde(default)]
    #[schema(required, schema_with = grant_types)]
    grant_type: String,
    /// What the token is called.
    #[serde(default)]
    client_id: String,
    /// The token.
    #[serde(default)]
    #[schema(format = "password")]
    client_secret: String,
}

fn grant_types() -> Object {
    openapi::one_word(&["client_credentials"], "The one that is given here.")
}

#[derive(Serialize, ToSchema)]
struct Granted {
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    ext_expires_in: i64,
    access_token: String,
}

/// How long a client may go on with what it was given before it asks again.
const LASTS: i64 = 3_600;

/// Section 5.2.
#[derive(Serialize, ToSchema)]
#[schema(as = GrantRefused)]
struct Refused {
    error: &'static str,
    error_description: &'static str,
}

fn refused(status: StatusCode, code: &'static str, why: &'static str) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    if status == StatusCode::UNAUTHORIZED {
        answer.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"API\""));
    }
    answer.json(Refused { error: code, error_description: why })
}

/// User and password of `Authorization: Basic` (section 2.3.1).
fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let text = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(|text| text.into_owned());
    if scheme.eq_ignore_ascii_case("basic") { Some((plain(id)?, plain(secret)?)) } else { None }
}

/// A token of the management API is a client: its name the id, itself the secret, and what is given for them. It says at most as much.
async fn grant(request: HttpRequest, portal: Data<Portal>, form: Result<Form<Grant>, Error>) -> Answer {
    let form = match form {
        Ok(Form(form)) => form,
        Err(Error::TooLarge(why)) => return Ok(refused(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", why)),
        Err(Error::UnsupportedMediaType | Error::BadRequest(_)) => {
            let why = "The request is a form: grant_type=client_credentials&client_id=…&client_secret=…";
            return Ok(refused(StatusCode::BAD_REQUEST, "invalid_request", why));
        }
        Err(other) => return Err(other),
    };
    if form.grant_type.is_empty() {
        return Ok(refused(StatusCode::BAD_REQUEST, "invalid_request", "The parameter grant_type is missing."));
    }
    if form.grant_type != "client_credentials" {
        return Ok(refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "The grant is client_credentials."));
    }
    let (id, secret) = basic(&request).unwrap_or((form.client_id, form.client_secret));
    let now = portal.db.now();
    let bearer = match admit(&mut portal.db.read().await?, secret.trim(), false, now).await {
        Ok(bearer) if ids::fold(&bearer.display_name) == ids::fold(&id) => bearer,
        Ok(_) | Err(Error::SignIn | Error::Forbidden(_)) => {
            tracing::warn!("a client was refused: its id and its secret are not a token's name and the token");
            let why = "The client's id is the name of a token of scope read or write, and its secret the token.";
            return Ok(refused(StatusCode::UNAUTHORIZED, "invalid_client", why));
        }
        Err(other) => return Err(other),
    };
    let left = bearer.expires_at.map_or(LASTS, |ends| ends.since(now).whole_seconds().clamp(1, LASTS));
    let granted = Granted { token_type: "Bearer", expires_in: left, ext_expires_in: left, access_token: secret.trim().to_owned() };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache")).json(granted))
}
