//! The portal itself for programs: the service that all else stands below.

mod settings;

use actix_web::{http::Method, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::Portal,
    rest::{Contract, openapi},
    web::{
        Answer, Routes,
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes.on(Method::GET, at!(""), show, || openapi::answer::<Service>("Read the service"));
    settings::routes(routes);
}

/// What the contract has at the top of the service, beside the properties.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Service {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    properties: Properties,
    location: &'static str,
    sku: Sku,
    etag: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ServiceSku)]
struct Sku {
    name: &'static str,
    capacity: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServiceProperties)]
struct Properties {
    publisher_email: String,
    publisher_name: String,
    notification_sender_email: String,
    provisioning_state: &'static str,
    target_provisioning_state: &'static str,
    portal_url: String,
    developer_portal_url: String,
    management_api_url: String,
    #[schema(value_type = Vec<Object>)]
    hostname_configurations: [(); 0],
    virtual_network_type: &'static str,
    developer_portal_status: &'static str,
    platform_version: &'static str,
}

async fn show(call: Call, portal: Data<Portal>) -> Answer {
    let (_, site) = crate::site::store::read(&mut portal.db.read().await?).await?;
    let email = portal.settings.mail_from.email.to_string();
    let properties = Properties {
        publisher_email: email.clone(),
        publisher_name: site.name,
        notification_sender_email: email,
        provisioning_state: "Succeeded",
        target_provisioning_state: "",
        portal_url: portal.settings.base_url(),
        developer_portal_url: portal.settings.base_url(),
        management_api_url: portal.settings.base_url(),
        hostname_configurations: [],
        virtual_network_type: "None",
        developer_portal_status: "Enabled",
        platform_version: concat!("portico ", env!("CARGO_PKG_VERSION")),
    };
    let Contract { id, kind, name, properties } = call.top("Microsoft.ApiManagement/service", &portal.settings.service_name, properties);
    let sku = Sku { name: "Developer", capacity: 1 };
    let service = Service { id, kind, name, properties, location: "local", sku, etag: site.version.to_string() };
    Ok(rest::answer(&service))
}
