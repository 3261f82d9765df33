//! The pages where administrators keep identity providers, and those by which people sign in with one.

mod edit;
mod list;

use crate::web::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/settings/providers", list::list)
        .post("/publisher/settings/passwords", list::allow_passwords)
        .get("/publisher/new/provider", edit::add)
        .post("/publisher/new/provider", edit::create)
        .get("/publisher/settings/providers/{name}", edit::show)
        .post("/publisher/settings/providers/{name}", edit::save)
        .post("/publisher/settings/providers/{name}/test", list::test)
        .get("/publisher/settings/providers/{name}/delete", list::ask_delete)
        .post("/publisher/settings/providers/{name}/delete", list::delete);
}
