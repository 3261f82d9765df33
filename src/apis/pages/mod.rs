//! The APIs pages of the publisher portal.

pub mod changes;
mod edit;
pub mod export;
mod hand;
mod import;
mod join;
mod list;
mod operation;
mod show;
mod source;
mod versions;

use crate::web::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .get("/exports/{token}", export::follow)
        .get("/publisher/apis", list::list)
        .get("/publisher/import/api", import::ask)
        .post("/publisher/import/api", import::import)
        .get("/publisher/new/api", hand::ask)
        .post("/publisher/new/api", hand::create)
        .get("/publisher/apis/{name}", show::show)
        .get("/publisher/apis/{name}/add-operation", operation::ask)
        .post("/publisher/apis/{name}/add-operation", operation::add)
        .get("/publisher/apis/{name}/operations/{inner}", operation::show)
        .post("/publisher/apis/{name}/operations/{inner}", operation::edit)
        .get("/publisher/apis/{name}/operations/{inner}/delete", operation::ask_delete)
        .post("/publisher/apis/{name}/operations/{inner}/delete", operation::delete)
        .get("/publisher/apis/{name}/document", export::document)
        .get("/publisher/apis/{name}/openapi.json", export::json)
        .get("/publisher/apis/{name}/openapi.yaml", export::yaml)
        .get("/publisher/apis/{name}/changes", changes::log)
        .get("/publisher/apis/{name}/compare/{inner}", changes::compare)
        .get("/publisher/apis/{name}/versions", versions::show)
        .post("/publisher/apis/{name}/versions", versions::edit)
        .get("/publisher/apis/{name}/join-version", join::ask)
        .post("/publisher/apis/{name}/join-version", join::join)
        .get("/publisher/apis/{name}/add-version", versions::ask)
        .post("/publisher/apis/{name}/add-version", versions::add)
        .get("/publisher/apis/{name}/edit", edit::ask)
        .post("/publisher/apis/{name}/edit", edit::edit)
        .get("/publisher/apis/{name}/replace", edit::ask_replace)
        .post("/publisher/apis/{name}/replace", edit::replace)
        .get("/publisher/apis/{name}/delete", edit::ask_delete)
        .post("/publisher/apis/{name}/delete", edit::delete);
}
