//! How clients of the model find the portal and get in: the endpoints of the environment, and the client-credentials grant.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web::Data,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::admit;
use crate::{
    app::Portal,
    error::Error,
    ids,
    web::{Answer, Form, Routes, forwarded::origin},
};

pub fn routes(routes: &mut Routes) {
    routes.on(Method::GET, "/metadata/endpoints", endpoints).on(Method::POST, "/{tenant}/oauth2/v2.0/token", grant).on(
        Method::POST,
        "/{tenant}/oauth2/token",
        grant,
    );
}

/// Where everything of this environment is: here.
async fn endpoints(request: HttpRequest, portal: Data<Portal>) -> Answer {
    let here = origin(&request, &portal.settings);
    let told = json!({
        "name": "Portico",
        "portal": here,
        "resourceManager": here,
        "authentication": {
            "loginEndpoint": here,
            "audiences": [here],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": here,
        "graphAudience": here,
        "microsoftGraphResourceId": here,
        "suffixes": {},
    });
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(told))
}

/// RFC 6749, section 4.4.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Grant {
    grant_type: String,
    /// What the token is called.
    client_id: String,
    /// The token.
    client_secret: String,
}

#[derive(Serialize)]
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
fn refused(status: StatusCode, code: &'static str, why: &'static str) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    if status == StatusCode::UNAUTHORIZED {
        answer.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"API\""));
    }
    answer.json(json!({ "error": code, "error_description": why }))
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
async fn grant(request: HttpRequest, portal: Data<Portal>, Form(form): Form<Grant>) -> Answer {
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
