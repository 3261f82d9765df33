//! What SCIM says of itself: the schemas of its resources (RFC 7643), which are also what documents are read by, and what is supported.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
pub const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Where everything of SCIM begins.
pub const BASE: &str = "/scim/v2";
/// Resources on a page when nobody says how many, and at most.
pub const USUAL: i64 = 100;
pub const MOST: i64 = 200;

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::User, Kind::Group];

    pub fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
        }
    }

    /// What its resources are below.
    pub fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "Users",
            Kind::Group => "Groups",
        }
    }

    pub fn urn(self) -> &'static str {
        match self {
            Kind::User => USER,
            Kind::Group => GROUP,
        }
    }

    pub fn schema(self) -> &'static Schema {
        &KNOWN[match self {
            Kind::User => 0,
            Kind::Group => 1,
        }]
    }

    /// The schema of an extension of it that is known.
    pub fn extension(self, urn: &str) -> Option<&'static Schema> {
        let known = &KNOWN[2];
        (self == Kind::User && known.id.eq_ignore_ascii_case(urn)).then_some(known)
    }
}

#[derive(Debug, Deserialize)]
pub struct Schema {
    pub id: String,
    pub attributes: Vec<Attribute>,
}

/// How an attribute is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Type {
    String,
    Boolean,
    Complex,
    Reference,
    DateTime,
    Binary,
    Integer,
    Decimal,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Type,
    #[serde(default)]
    pub multi_valued: bool,
    #[serde(default)]
    pub case_exact: bool,
    #[serde(default)]
    pub sub_attributes: Vec<Attribute>,
}

/// The one of that name, without regard to case.
pub fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

const TEXTS: [&str; 6] = [
    include_str!("schemas/user.json"),
    include_str!("schemas/group.json"),
    include_str!("schemas/enterprise_user.json"),
    include_str!("schemas/service_provider_config.json"),
    include_str!("schemas/resource_type.json"),
    include_str!("schemas/schema.json"),
];

/// A test reads them all.
static KNOWN: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let none = |_| Schema { id: String::new(), attributes: Vec::new() };
    TEXTS.iter().map(|text| serde_json::from_str(text).unwrap_or_else(none)).collect()
});

fn with_meta(mut resource: Value, kind: &str, location: String) -> Value {
    resource["meta"] = json!({ "resourceType": kind, "location": location });
    resource
}

/// All schemas; `base` is the whole address of SCIM here.
pub fn schemas(base: &str) -> Vec<Value> {
    let told = |text: &&str| {
        let schema: Value = serde_json::from_str(text).unwrap_or_default();
        let location = format!("{base}/Schemas/{}", schema["id"].as_str().unwrap_or_default());
        with_meta(schema, "Schema", location)
    };
    TEXTS.iter().map(told).collect()
}

pub fn resource_types(base: &str) -> Vec<Value> {
    let told = |kind: Kind| {
        let extensions = match kind {
            Kind::User => json!([{ "schema": ENTERPRISE, "required": false }]),
            Kind::Group => json!([]),
        };
        let (name, described) = match kind {
            Kind::User => ("User", "Accounts of the portal."),
            Kind::Group => ("Group", "Groups whose members see what is open to them."),
        };
        let told = json!({
            "schemas": [TYPE], "id": name, "name": name, "description": described, "endpoint": format!("/{}", kind.endpoint()),
            "schema": kind.urn(), "schemaExtensions": extensions,
        });
        with_meta(told, "ResourceType", format!("{base}/ResourceTypes/{name}"))
    };
    Kind::ALL.into_iter().map(told).collect()
}

pub fn config(base: &str) -> Value {
    let told = json!({
        "schemas": [CONFIG],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MOST },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Token of a provider",
            "description": "Authorization: Bearer, with a token that an administrator makes on the provider's page.", "primary": true,
        }],
    });
    with_meta(told, "ServiceProviderConfig", format!("{base}/ServiceProviderConfig"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_can_be_read() {
        assert_eq!(KNOWN.iter().map(|schema| schema.id.as_str()).take(3).collect::<Vec<_>>(), [USER, GROUP, ENTERPRISE]);
        assert!(KNOWN.iter().all(|schema| !schema.attributes.is_empty()));
        assert!(schemas("").iter().all(|schema| schema["id"].is_string()));
        let emails = find(&Kind::User.schema().attributes, "EMAILS").unwrap();
        assert!(emails.multi_valued && emails.kind == Type::Complex && find(&emails.sub_attributes, "value").is_some());
    }
}
