//! How clients find the portal and get in.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, SERVICE, json_of};
use crate::support::{FORM, Portal};

async fn granted(portal: &Portal, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let reply = portal.guest().send(Method::POST, "/contoso/oauth2/v2.0/token", headers, FORM, body).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    (reply.status, json_of(&reply))
}

#[tokio::test]
async fn the_endpoints_are_all_here() {
    let portal = Portal::start().await;
    let reply = portal.guest().get("/metadata/endpoints?api-version=2022-09-01").await;
    let told = json_of(reply.is(200));
    for place in ["/resourceManager", "/authentication/loginEndpoint", "/authentication/audiences/0", "/microsoftGraphResourceId"] {
        assert_eq!(told.pointer(place), Some(&json!(portal.base)), "{place}");
    }
}

#[tokio::test]
async fn a_token_is_a_client_with_its_name() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let form = |id: &str, secret: &str| format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=x");
    let (status, answer) = granted(&portal, &[], &form("script+to+write", &program.token)).await;
    assert_eq!((status, &answer["token_type"], &answer["expires_in"]), (200, &json!("Bearer"), &json!(3600)));
    let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    let address = format!("{SERVICE}/groups?api-version=1");
    portal.guest().send(Method::GET, &address, &[("authorization", &bearer)], "", "").await.is(200);
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("script%20to%20write:{}", program.token));
    let header = format!("Basic {basic}");
    assert_eq!(granted(&portal, &[("authorization", &header)], "grant_type=client_credentials").await.0, 200);
    let gateway = Program::new(&portal, "gateway").await;
    for (body, status, code) in [
        (form("another", &program.token), 401, "invalid_client"),
        (form("script+to+write", "nonsense"), 401, "invalid_client"),
        (form("script+to+gateway", &gateway.token), 401, "invalid_client"),
        ("grant_type=password".to_owned(), 400, "unsupported_grant_type"),
        (String::new(), 400, "invalid_request"),
        ("grant_type=a&grant_type=b".to_owned(), 400, "invalid_request"),
    ] {
        let (got, answer) = granted(&portal, &[], &body).await;
        assert_eq!((got, answer["error"].as_str().unwrap()), (status, code), "{body}");
        assert!(!answer.to_string().contains("portico_"));
    }
}
