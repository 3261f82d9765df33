//! The pages of the developer portal, for guests as for everybody: what is not listed for who asks is not found.

mod api;
mod changes;
mod export;
mod lists;
mod operation;
mod product;

use std::sync::Arc;

pub use lists::try_home;

use crate::{catalog::Product, web::Routes};

/// Those that take subscriptions.
fn subscribable(products: impl AsRef<[Arc<Product>]>) -> Vec<Arc<Product>> {
    products.as_ref().iter().filter(|product| product.is_subscribable()).cloned().collect()
}

pub fn routes(routes: &mut Routes) {
    routes
        .get("/", lists::home)
        .get("/products", lists::products)
        .get("/products/{name}", product::show)
        .post("/products/{name}/subscribe", product::subscribe)
        .get("/apis", lists::apis)
        .get("/apis/{name}", api::show)
        .get("/apis/{name}/changes", changes::log)
        .get("/apis/{name}/compare/{inner}", changes::compare)
        .get("/apis/{name}/document", export::document)
        .get("/apis/{name}/openapi.json", export::json)
        .get("/apis/{name}/openapi.yaml", export::yaml)
        .get("/apis/{name}/operations/{inner}", operation::show);
}
