//! What an address says by itself: its parameters with their lengths, the group of operations that it belongs to, and what an operation
//! there is called.

use utoipa::openapi::{
    Object, ObjectBuilder, Required, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::SchemaFormat,
};

/// A part of an address with names behind it.
struct Place {
    part: &'static str,
    /// One of what is there.
    one: &'static str,
    /// What its name is called.
    parameter: &'static str,
    longest: usize,
    pattern: Option<&'static str>,
    /// The group of operations, for the first part below the service.
    tag: &'static str,
}

const fn place(part: &'static str, one: &'static str, parameter: &'static str, longest: usize, tag: &'static str) -> Place {
    Place { part, one, parameter, longest, pattern: None, tag }
}

/// Names that the model's clients know to be without these.
const PLAIN: Option<&str> = Some("^[^*#&+:<>?]+$");

/// A part of redirect URLs, which are registered letter by letter.
const IN_REDIRECTS: Option<&str> = Some("^[A-Za-z0-9][A-Za-z0-9._-]*$");

const PLACES: [Place; 14] = [
    place("groups", "Group", "groupId", 256, "Groups"),
    place("users", "User", "userId", 80, "Users"),
    place("products", "Product", "productId", 256, "Products"),
    Place { pattern: PLAIN, ..place("groupLinks", "GroupLink", "groupLinkId", 80, "") },
    Place { pattern: PLAIN, ..place("apiLinks", "ApiLink", "apiLinkId", 80, "") },
    Place { pattern: PLAIN, ..place("subscriptions", "Subscription", "sid", 256, "Subscriptions") },
    Place { pattern: PLAIN, ..place("apis", "Api", "apiId", 256, "APIs") },
    place("operations", "Operation", "operationId", 80, ""),
    place("notifications", "Notification", "notificationName", 256, "Notifications"),
    place("recipientEmails", "RecipientEmail", "email", 254, ""),
    place("recipientUsers", "RecipientUser", "userId", 80, ""),
    place("templates", "Template", "templateName", 256, "Mail templates"),
    Place { pattern: IN_REDIRECTS, ..place("identityProviders", "IdentityProvider", "identityProviderName", 80, "Identity providers") },
    place("tenant", "TenantAccess", "accessName", 256, "Tenant access"),
];

/// Groups of operations without names in them.
const TAGS: [(&str, &str); 4] =
    [("portalsettings", "Portal settings"), ("", "Service"), ("metadata", "Getting in"), ("oauth2", "Getting in")];

fn find(part: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.part == part)
}

/// An address as it is described.
pub(super) struct Address {
    /// With the parameters by the names that they have here.
    pub path: String,
    pub parameters: Vec<Parameter>,
    pub tag: &'static str,
    /// What an operation is called after its verb.
    about: String,
    /// Whether one of several is meant.
    is_one: bool,
}

fn parameter(name: &str, description: &str, schema: Object) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
    parameter.description(Some(description)).schema(Some(schema)).build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1))
}

fn words(names: &[&'static str]) -> Object {
    text().min_length(None).enum_values(Some(names.iter().copied())).build()
}

impl Address {
    /// Reads a route's pattern. `service`: the instance's name; `names`: those that the innermost place may have, when they are known.
    pub(super) fn of(pattern: &str, service: &str, names: &[&'static str]) -> Option<Self> {
        let (mut path, mut parameters, mut before) = (String::new(), Vec::new(), "");
        let (mut below, mut is_below) = (Vec::new(), false);
        for part in pattern.split('/').skip(1) {
            path.push('/');
            let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
                path.push_str(part);
                before = part;
                below.push((part, false));
                continue;
            };
            let made = match name {
                "subscription" => parameter("subscriptionId", "Any; it is told back.", text().build()),
                "resource_group" => parameter("resourceGroupName", "Any; it is told back.", text().build()),
                "tenant" => parameter("tenant", "Any.", text().build()),
                "service" => parameter("serviceName", "The instance's name.", text().enum_values(Some([service.to_owned()])).build()),
                _ => {
                    let place = find(before)?;
                    let known = name == "name" && !names.is_empty();
                    let format = match place.part {
                        "recipientEmails" => Some("email"),
                        "identityProviders" => None,
                        _ => Some("name"),
                    };
                    let named = text().max_length(Some(place.longest)).pattern(place.pattern);
                    let named = named.format(format.map(|format| SchemaFormat::Custom(format.to_owned())));
                    let schema = if known { words(names) } else { named.build() };
                    let about = "Without spaces at its ends and hidden characters; the same in every case. What is not a letter or a digit is percent-encoded.";
                    parameter(place.parameter, about, schema)
                }
            };
            path.push('{');
            path.push_str(&made.name);
            path.push('}');
            parameters.push(made);
            if name == "service" {
                below.clear();
                is_below = true;
            } else if let Some(last) = below.last_mut() {
                last.1 = true;
            }
        }
        let first = below.first().map_or("", |(part, _)| *part);
        let tag = find(first).map(|place| place.tag).or_else(|| TAGS.iter().find(|(part, _)| *part == first).map(|(_, tag)| *tag))?;
        let capital = |part: &str| {
            let mut letters = part.chars().filter(|c| c.is_ascii_alphanumeric());
            letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        };
        let words = below.iter().map(|&(part, named)| match find(part) {
            Some(place) if named => place.one.to_owned(),
            _ => capital(part),
        });
        let about = words.collect::<String>();
        let about = if is_below && about.is_empty() { "Service".to_owned() } else { about };
        let is_one = below.last().is_none_or(|&(part, named)| named || find(part).is_none());
        Some(Self { path, parameters, tag, about, is_one })
    }

    /// `listGroups`, `getGroup`, `putGroupUser`.
    pub(super) fn operation_id(&self, method: &str) -> String {
        let verb = if method == "GET" && !self.is_one { "list".to_owned() } else { method.to_ascii_lowercase() };
        verb + &self.about
    }
}
