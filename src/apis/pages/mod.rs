//! The APIs pages of the publisher portal.

mod edit;
mod import;
mod list;
mod show;
mod source;

use crate::web::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/apis", list::list)
        .get("/publisher/import/api", import::ask)
        .post("/publisher/import/api", import::import)
        .get("/publisher/apis/{name}", show::show)
        .get("/publisher/apis/{name}/document", show::document)
        .get("/publisher/apis/{name}/edit", edit::ask)
        .post("/publisher/apis/{name}/edit", edit::edit)
        .get("/publisher/apis/{name}/replace", edit::ask_replace)
        .post("/publisher/apis/{name}/replace", edit::replace)
        .get("/publisher/apis/{name}/delete", edit::ask_delete)
        .post("/publisher/apis/{name}/delete", edit::delete);
}
