//! The Users pages of the publisher portal, and a person's own account page.

mod bulk;
mod list;

use crate::web::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/users", list::list)
        .post("/publisher/users/bulk", bulk::change_groups)
        .post("/publisher/undo/{name}", bulk::undo);
}
