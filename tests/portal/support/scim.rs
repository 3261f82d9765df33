//! A program of an identity provider, which speaks SCIM with a token of its own.

use portico::{db::Select, ids};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Browser, PASSWORD, Portal, Reply, provider::Provider};

pub const BASE: &str = "/scim/v2";
const JSON: &str = "application/scim+json";

pub struct Scim {
    pub client: Browser,
    pub token: String,
    /// The provider's name in addresses.
    pub provider: String,
}

pub fn json_of(reply: &Reply) -> Value {
    serde_json::from_str(&reply.text).unwrap_or_else(|why| panic!("{why}: {} {}", reply.status, reply.text))
}

impl Scim {
    /// With a provider and a token that an administrator makes.
    pub async fn start(portal: &Portal) -> (Self, Browser, Provider) {
        let admin = portal.administrator().await;
        let provider = Provider::start(portal).await;
        let name = provider.add(&admin, &[]).await;
        (Self::of(portal, &admin, &name).await, admin, provider)
    }

    /// Of a provider that is there.
    pub async fn of(portal: &Portal, admin: &Browser, provider: &str) -> Self {
        let label = format!("directory {}", ids::random_name(6));
        let path = format!("/publisher/settings/providers/{provider}/new-token");
        let made = admin.post(&path, &[("display_name", label.as_str()), ("password", PASSWORD)]).await;
        let text = &made.is(200).text;
        let rest = text.split("portico_sc_").nth(1).expect("the token is shown");
        let token = format!("portico_sc_{}", rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>());
        Self { client: portal.guest(), token, provider: provider.to_owned() }
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], kind: &str, body: &str) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        self.client.send(method, &format!("{BASE}{path}"), &all, kind, body).await
    }

    pub async fn ask(&self, method: Method, path: &str, body: Value) -> Reply {
        let (kind, body) = if body.is_null() { ("", String::new()) } else { (JSON, body.to_string()) };
        self.send(method, path, &[], kind, &body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        json_of(self.ask(Method::GET, path, Value::Null).await.is(200))
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::POST, path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::PUT, path, body).await
    }

    pub async fn patch(&self, path: &str, operations: Value) -> Reply {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        self.ask(Method::PATCH, path, body).await
    }

    pub async fn delete(&self, path: &str) -> u16 {
        self.ask(Method::DELETE, path, Value::Null).await.status
    }

    /// Provisions somebody; the id.
    pub async fn add(&self, first: &str, last: &str, email: &str) -> String {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": email, "active": true,
            "name": { "givenName": first, "familyName": last }, "emails": [{ "value": email, "type": "work", "primary": true }],
        });
        id_of(self.post("/Users", body).await.is(201))
    }

    /// Provisions a group; the id.
    pub async fn add_group(&self, name: &str, external_id: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "externalId": external_id, "members": members,
        });
        id_of(self.post("/Groups", body).await.is(201))
    }

    /// The ids that a list tells.
    pub async fn ids(&self, path: &str) -> Vec<String> {
        let list = self.get(path).await;
        list["Resources"].as_array().into_iter().flatten().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// The members of a group, in order.
    pub async fn members(&self, group: &str) -> Vec<String> {
        let group = self.get(&format!("/Groups/{group}")).await;
        let mut members: Vec<String> =
            group["members"].as_array().into_iter().flatten().map(|one| one["value"].as_str().expect("an id").to_owned()).collect();
        members.sort();
        members
    }
}

pub fn id_of(reply: &Reply) -> String {
    json_of(reply)["id"].as_str().expect("an id").to_owned()
}

/// Status and scimType of an error, whose form is held against the standard.
#[track_caller]
pub fn refusal(reply: &Reply) -> (u16, String) {
    let error = json_of(reply);
    assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{}", reply.text);
    assert_eq!(error["status"], json!(reply.status.to_string()));
    assert!(!error["detail"].as_str().expect("a detail").is_empty());
    assert!(reply.header("content-type").starts_with(JSON), "{}", reply.header("content-type"));
    (reply.status, error["scimType"].as_str().unwrap_or_default().to_owned())
}

/// The state of the account with this name in addresses.
pub async fn state_of(portal: &Portal, name: &str) -> String {
    let mut connection = portal.db().read().await.expect("a connection");
    let mut statement = Select::new(&connection, "select state from users where name =");
    statement.bind(name);
    statement.optional::<(String,)>(&mut connection).await.expect("a row").expect("the account").0
}

impl Scim {
    /// An address of the portal's, as the same program asks it.
    pub async fn client_get(&self, path: &str) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        self.client.send(Method::GET, path, &[("authorization", &bearer)], "", "").await
    }
}
