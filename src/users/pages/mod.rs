//! The Users pages of the publisher portal, and a person's own account page.

mod account;
mod add;
mod address;
mod bulk;
mod directories;
mod invitations;
mod leaving;
mod list;
mod recovery;
mod sessions;
mod show;
mod sign_up;
mod sso;

use crate::web::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/users", list::list)
        .post("/publisher/users/bulk", bulk::change)
        .post("/publisher/undo/{name}", bulk::undo)
        .get("/publisher/new/user", add::form)
        .post("/publisher/new/user", add::create)
        .get("/publisher/users/{name}", show::show)
        .post("/publisher/users/{name}", show::edit)
        .post("/publisher/users/{name}/groups", show::set_groups)
        .get("/publisher/users/{name}/block", show::ask_block)
        .post("/publisher/users/{name}/block", show::block)
        .get("/publisher/users/{name}/delete", leaving::ask)
        .post("/publisher/delete/users", leaving::delete)
        .get("/publisher/users/{name}/activate", show::ask_activate)
        .post("/publisher/users/{name}/activate", show::activate)
        .post("/publisher/users/{name}/sync", directories::sync)
        .post("/publisher/users/{name}/role", show::change_role)
        .post("/publisher/users/{name}/end-sessions", show::end_all_sessions)
        .post("/publisher/users/{name}/sessions/{inner}/end", show::end_session)
        .post("/publisher/users/{name}/send-reset", recovery::send_for)
        .get("/publisher/invite", invitations::form)
        .post("/publisher/invite", invitations::invite)
        .post("/publisher/users/{name}/invite-again", invitations::send_again)
        .post("/publisher/users/{name}/revoke-invitation", invitations::revoke)
        .get("/invitation/{token}", invitations::show)
        .post("/invitation/{token}", invitations::accept)
        .get("/forgot", recovery::ask)
        .post("/forgot", recovery::send)
        .get("/signin-sso", sso::show)
        .post("/signin-sso", sso::sign_in)
        .get("/reset/{token}", recovery::show_reset)
        .post("/reset/{token}", recovery::reset)
        .get("/signup", sign_up::show)
        .post("/signup", sign_up::send)
        .get("/confirm/{token}", sign_up::show_confirm)
        .post("/confirm/{token}", sign_up::confirm)
        .get("/publisher/settings/sign-up", sign_up::settings)
        .post("/publisher/settings/sign-up", sign_up::save)
        .get("/account", account::show)
        .get("/account/email", address::show)
        .post("/account/email", address::ask)
        .post("/account/email/withdraw", address::withdraw)
        .get("/confirm-email/{token}", address::show_confirm)
        .post("/confirm-email/{token}", address::confirm)
        .get("/account/close", leaving::ask_close)
        .post("/account/close", leaving::close)
        .post("/account/name", account::rename)
        .post("/account/password", account::change_password)
        .post("/account/sessions/{inner}/end", account::end_session);
}
