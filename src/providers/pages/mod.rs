//! The pages where administrators keep identity providers, and those by which people sign in with one.

mod edit;
mod join;
mod list;
pub mod sign_in;
mod tokens;

use crate::web::Routes;

pub fn routes(routes: &mut Routes) {
    tokens::routes(routes);
    routes
        .get("/publisher/settings/providers", list::list)
        .post("/publisher/settings/passwords", list::allow_passwords)
        .get("/publisher/new/provider", edit::add)
        .post("/publisher/new/provider", edit::create)
        .get("/publisher/settings/providers/{name}", edit::show)
        .post("/publisher/settings/providers/{name}", edit::save)
        .post("/publisher/settings/providers/{name}/test", list::test)
        .get("/publisher/settings/providers/{name}/delete", list::ask_delete)
        .post("/publisher/settings/providers/{name}/delete", list::delete)
        .get("/signin/refused", sign_in::show_refused)
        .get("/signin/again", sign_in::show_again)
        .get("/signin/join", join::show)
        .post("/signin/join", join::join)
        .post("/signin/join/password", join::by_password)
        .get("/signin/confirm/{token}", join::show_confirm)
        .post("/signin/confirm/{token}", join::confirm)
        .post("/signin/{name}", sign_in::leave)
        .get("/signin/{name}/end", sign_in::end)
        .post("/signin/{name}/logout", sign_in::signed_out)
        .post("/signin/{name}/again", sign_in::leave_again)
        .get("/signin/{name}/callback", sign_in::callback)
        .post("/account/link/{name}", sign_in::leave_to_link)
        .post("/account/unlink/{inner}", sign_in::unlink);
}
