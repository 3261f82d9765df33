//! Every kind of page, empty, full, with errors and with what opens open: no violation of WCAG found by axe, nothing wider than the
//! window, also with text twice as large, no error in the console; wide and narrow, light and dark. One browser looks at all of them.

use crate::{
    portal::{PASSWORD, Portal},
    support::{Browser, View},
};
use portico::users::UserState;

const ADMINISTRATORS: &[&str] = &[
    "/publisher",
    "/publisher/groups",
    "/publisher/groups?q=nothing-matches",
    "/publisher/new/group",
    "/publisher/groups/developers",
    "/publisher/groups/guests",
    "/publisher/users",
    "/publisher/users?q=nothing-matches",
    "/publisher/new/user",
    "/publisher/products",
    "/publisher/products?q=nothing-matches",
    "/publisher/new/product",
    "/publisher/apis",
    "/publisher/import/api",
    "/publisher/subscriptions",
    "/publisher/audit",
    "/publisher/audit?from=never",
    "/publisher/settings",
    "/publisher/settings/sign-up",
    "/publisher/settings/site",
    "/publisher/settings/providers",
    "/publisher/new/provider",
    "/publisher/new/provider?kind=entra",
    "/publisher/tokens",
    "/publisher/new/token",
    "/publisher/new/api",
    "/publisher/new/subscription",
    "/publisher/order/products",
    "/publisher/invite",
    "/publisher/mail",
    "/publisher/mail?state=failed",
    "/publisher/mail-templates",
    "/publisher/notifications",
    "/account",
    "/account/email",
    "/account/close",
    "/account/subscriptions",
    "/nothing/here",
];

const GUESTS: &[&str] = &["/", "/products", "/products?q=nothing-matches", "/apis", "/signin", "/signup", "/forgot", "/nothing/here"];

/// Pages that list something, as they are when there is nothing.
const LISTS: &[&str] = &[
    "/publisher",
    "/publisher/users",
    "/publisher/products",
    "/publisher/apis",
    "/publisher/import/api",
    "/publisher/subscriptions",
    "/publisher/audit",
    "/publisher/mail",
    "/publisher/tokens",
    "/publisher/order/products",
    "/account/subscriptions",
    "/products",
    "/apis",
];

/// Forms that can be sent with every text left out.
const FORMS: &[&str] = &[
    "/publisher/new/group",
    "/publisher/new/user",
    "/publisher/new/product",
    "/publisher/import/api",
    "/publisher/new/api",
    "/publisher/new/subscription",
    "/publisher/new/token",
    "/publisher/invite",
];

/// Between them they have everything that only a wide or a narrow window shows.
const CLOSELY: &[&str] =
    &["/publisher", "/publisher/users", "/publisher/subscriptions", "/publisher/audit", "/account/subscriptions", "/", "/apis"];

/// One that looks closely, and what was found wrong.
struct Looker {
    browser: Browser,
    wrong: Vec<String>,
}

impl Looker {
    async fn visit(&mut self, paths: impl IntoIterator<Item = impl AsRef<str>>) {
        for path in paths {
            let path = path.as_ref();
            self.browser.goto(path).await;
            self.look(path).await;
        }
    }

    /// Looks at the page that is open, wide and light and then narrow and dark. What is there in one width alone is the same on every
    /// page, so the other two views are for some of them.
    async fn look(&mut self, what: &str) {
        let mut views = vec![(1280, false, ""), (390, true, "")];
        if CLOSELY.contains(&what) {
            views.extend([(390, false, "color-contrast"), (1280, true, "color-contrast")]);
        }
        for (width, dark, rules) in views {
            self.browser.look_as(width, dark).await;
            let violations = self.browser.axe_for(rules).await;
            if !violations.is_empty() {
                self.wrong.push(format!("{what} at {width} px, dark {dark}: {violations}"));
            }
            self.fits(what, width).await;
        }
        self.browser.look_as(320, false).await;
        self.fits(what, 320).await;
        self.browser.look_as(1280, false).await;
        self.browser.letters(32).await;
        self.fits(&format!("{what} with text twice as large"), 1280).await;
        self.browser.letters(16).await;
        let errors = self.browser.console_errors().await;
        // To the console it is an error that a page has the status 404, and that a form which nobody touched may not ask before it is left.
        let meant = ["404", "409", "422", "Blocked attempt to show a 'beforeunload' confirmation panel"];
        let errors: Vec<String> = errors.into_iter().filter(|it| !meant.iter().any(|words| it.contains(words))).collect();
        if !errors.is_empty() {
            self.wrong.push(format!("{what}: {errors:?}"));
        }
    }

    async fn fits(&mut self, what: &str, width: u32) {
        let overflow = self.browser.overflow().await;
        if overflow > 0 {
            let who = self.browser.ask(WIDEST).await;
            self.wrong.push(format!("{what} at {width} px is {overflow} px wider than the window: {who}"));
        }
    }

    fn found_nothing(&self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n\n"));
    }

    /// Signs in at the portal that it looks at, or at one elsewhere.
    async fn sign_in(&mut self, base: &str) {
        self.browser.look_as(1280, false).await;
        self.browser.goto(&format!("{base}/signin")).await;
        self.browser.fill("Email", "root@portal.example").await;
        self.browser.fill("Password", PASSWORD).await;
        self.browser.click("css=form[action='/signin'] button").await;
        self.browser.see("Dashboard").await;
    }
}

const WIDEST: &str = "
    const wide = [...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right > innerWidth + 1);
    return wide.slice(-3).map(it => it.outerHTML.slice(0, 120)).join(' | ')";

/// A portal with the sample in it, and one who looks at it; `None` where there is no browser.
async fn looker() -> Option<(Portal, Looker)> {
    let portal = Portal::start().await;
    portico::demo::fill(&portal.state).await.expect("the sample");
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let browser = Browser::open(&portal.base, View::default()).await?;
    Some((portal, Looker { browser, wrong: Vec::new() }))
}

#[tokio::test]
async fn the_publisher_portal_reads_well() {
    let Some((_portal, mut looker)) = looker().await else { return };
    looker.sign_in("").await;
    looker.visit(ADMINISTRATORS).await;
    looker.found_nothing();
}

#[tokio::test]
async fn pages_of_one_thing_read_well() {
    let Some((portal, mut looker)) = looker().await else { return };
    looker.sign_in("").await;
    looker.visit(portal.first_pages(true).await).await;
    looker.found_nothing();
}

#[tokio::test]
async fn the_developer_portal_and_empty_lists_read_well() {
    let Some((portal, mut looker)) = looker().await else { return };
    looker.visit(GUESTS).await;
    looker.visit(portal.first_pages(false).await).await;
    let empty = Portal::start().await;
    empty.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    looker.sign_in(&empty.base).await;
    looker.visit(LISTS.iter().map(|path| format!("{}{path}", empty.base))).await;
    looker.found_nothing();
}

#[tokio::test]
async fn errors_and_what_opens_read_well() {
    let Some((_portal, mut looker)) = looker().await else { return };
    looker.browser.goto("/signin").await;
    looker.browser.fill("Email", "root@portal.example").await;
    looker.browser.fill("Password", "not this one").await;
    looker.browser.click("css=form[action='/signin'] button").await;
    looker.browser.see("do not belong together").await;
    looker.look("/signin with a wrong password").await;
    looker.sign_in("").await;
    for form in FORMS {
        looker.browser.goto(form).await;
        looker
            .browser
            .ask("const form = document.querySelector('main form[data-guard]'); form.noValidate = true; form.requestSubmit()")
            .await;
        looker.browser.see("attention").await;
        looker.look(&format!("{form} with errors")).await;
    }

    looker.browser.goto("/publisher/users").await;
    for menu in ["Add to Group", "Remove from Group"] {
        looker.browser.click(menu).await;
        looker.look(menu).await;
    }
    looker.browser.goto("/publisher").await;
    looker.browser.keys("?").await;
    looker.browser.see("Keyboard shortcuts").await;
    looker.look("the list of shortcuts").await;
    looker.browser.click("Close").await;
    looker.browser.look_as(390, true).await;
    looker.browser.click("Menu").await;
    let violations = looker.browser.axe().await;
    assert_eq!(violations, "", "the menu of a narrow window");
    looker.browser.goto("/").await;
    looker.browser.click("css=details.menu summary").await;
    looker.look("the account's menu").await;
    looker.found_nothing();
}

/// Names as long as they may be, without a space and from right to left, and pages of ten thousand.
#[tokio::test]
async fn long_names_and_many_rows_fit() {
    let portal = Portal::start().await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let long = "Verwaltungsgemeinschaftsmitglied".repeat(10)[..300].to_owned();
    let hebrew: String = "שותפים בכל מקום ".chars().cycle().take(299).collect();
    let email = format!("{}@{}.example", "e".repeat(64), "d".repeat(60));
    let user = portal.add_user(&email, &long[..100], &hebrew.chars().take(100).collect::<String>(), UserState::Blocked, false).await;
    let (group, rtl) = (portal.add_group(&long).await, portal.add_group(hebrew.trim()).await);
    let product = portal.add_product(&long).await;
    let api = portal.import_api(&long).await;
    portal.open_product(&product, &group).await;
    portal.open_product(&product, &rtl).await;
    portal.run(&["update products set published = true"], vec![]).await;
    portal
        .run(
            &["with recursive n (i) as (select 1 union all select i + 1 from n where i < 10000)
               insert into users (name, name_folded, email, email_folded, first_name, last_name, sort_folded, search_folded, state, registered_at)
               select 'dev' || i, 'dev' || i, i || '@dev.example', i || '@dev.example', 'Dev', cast(i as text), 'dev ' || i, 'dev ' || i, 'active',",
              " from n"],
            vec![portico::db::Instant::new(crate::portal::START).into()],
        )
        .await;
    let Some(browser) = Browser::open(&portal.base, View::default()).await else { return };
    let mut looker = Looker { browser, wrong: Vec::new() };
    looker.sign_in("").await;
    let paths = [
        format!("/publisher/users?q={email}"),
        format!("/publisher/users/{user}"),
        "/publisher/groups".to_owned(),
        format!("/publisher/groups/{rtl}"),
        format!("/publisher/groups/{group}/delete"),
        "/publisher/products".to_owned(),
        format!("/publisher/products/{product}/visibility"),
        format!("/publisher/products/{product}"),
        format!("/publisher/apis/{api}"),
        "/publisher/audit".to_owned(),
        "/products".to_owned(),
        format!("/products/{product}"),
        "/publisher/users?page=201".to_owned(),
    ];
    looker.visit(&paths).await;
    looker.browser.goto("/publisher/users").await;
    looker.browser.see("1–50 of 10,002").await;
    assert_eq!(looker.browser.ask("return document.querySelectorAll('tbody tr').length").await, 50);
    looker.found_nothing();
}
