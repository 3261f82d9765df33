//! The site's own face: its name, logo, colour, home page text and links, for everybody and at once; and how the form takes it.

use crate::support::{Browser, Portal, Reply};
use time::Duration;

const FORM: &str = "/publisher/settings/site";

/// The form as it is shown, with these fields typed over.
async fn save(admin: &Browser, typed: &[(&str, &str)], logo: Option<&[u8]>) -> Reply {
    send(admin, FORM, &version(admin).await, typed, logo).await
}

async fn version(admin: &Browser) -> String {
    let page = admin.get(FORM).await;
    page.is(200);
    page.text.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version").to_owned()
}

async fn send(admin: &Browser, path: &str, version: &str, typed: &[(&str, &str)], logo: Option<&[u8]>) -> Reply {
    let mut fields = vec![("version", version), ("name", "Portico"), ("accent", ""), ("accent_shown", ""), ("home", ""), ("links", "")];
    for (name, value) in typed {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    admin.upload_in("logo", path, &fields, logo).await
}

fn png(width: u32, height: u32) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0"].concat()
}

/// The first address of this beginning in a page.
fn address(page: &Reply, beginning: &str) -> String {
    let at = page.text.find(&format!("\"{beginning}")).unwrap_or_else(|| panic!("no {beginning} in {}", page.text));
    page.text[at + 1..].split('"').next().expect("an end").to_owned()
}

#[tokio::test]
async fn the_name_stands_everywhere_at_once() {
    let portal = Portal::start().await;
    let (admin, guest, other) = (portal.administrator().await, portal.guest(), portal.beside().await);
    let elsewhere = other.guest();
    let before = guest.get("/").await;
    before.is(200).shows("<title>Home · Portico</title>");
    elsewhere.get("/").await.shows("<title>Home · Portico</title>");
    let tag = before.header("etag").to_owned();
    save(&admin, &[("name", " Contoso <APIs> ")], None).await.is(303);
    let page = admin.get(FORM).await;
    page.shows("Saved.")
        .shows("Contoso &#60;APIs&#62;</bdi></span><small>Publisher</small>")
        .shows("<title>Name and look · Contoso &#60;APIs&#62;</title>");
    let after = guest.send(reqwest::Method::GET, "/", &[("if-none-match", &tag)], "", "").await;
    after
        .is(200)
        .shows("<title>Home · Contoso &#60;APIs&#62;</title>")
        .shows("<bdi>Contoso &#60;APIs&#62;</bdi></span></span></a>")
        .hides("Portico");
    for path in ["/products", "/apis", "/signin", "/forgot", "/none"] {
        guest.get(path).await.shows("· Contoso &#60;APIs&#62;</title>");
    }
    portal.pass(Duration::seconds(1));
    other.pass(Duration::seconds(1));
    elsewhere.get("/").await.shows("<title>Home · Contoso &#60;APIs&#62;</title>");
    assert_eq!(portal.audited().await.iter().filter(|entry| entry.contains("portal.face_edited")).count(), 1);
    save(&admin, &[("name", "Contoso <APIs>")], None).await.is(303);
    admin.get(FORM).await.shows("Nothing was different");
    assert_eq!(portal.audited().await.iter().filter(|entry| entry.contains("portal.face_edited")).count(), 1);
}

#[tokio::test]
async fn whoever_is_signed_in_elsewhere_sees_the_new_name_at_the_next_click() {
    let portal = Portal::start().await;
    let (admin, other) = (portal.administrator().await, portal.beside().await);
    let developer = portal.developer("dev@contoso.example").await.at(&other.base);
    developer.get("/account").await.is(200).shows("· Portico</title>");
    save(&admin, &[("name", "بوابة كونتوسو")], None).await.is(303);
    developer.get("/account").await.shows("<bdi>بوابة كونتوسو</bdi>");
    other.guest().get("/none").await.is(404);
}

#[tokio::test]
async fn mails_are_from_the_site_by_its_name() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    portal.developer("dev@contoso.example").await;
    save(&admin, &[("name", "Contoso APIs")], None).await.is(303);
    admin.get("/publisher/mail-templates/password-reset").await.is(200).shows("A new password for Contoso APIs");
    portal.guest().post("/forgot", &[("email", "dev@contoso.example")]).await.is(303);
    portal.send_mails().await;
    assert_eq!(smtp.newest("dev@contoso.example").header("Subject").as_deref(), Some("A new password for Contoso APIs"));
}

#[tokio::test]
async fn a_logo_is_served_under_its_content_and_does_nothing_else() {
    let portal = Portal::start().await;
    let (admin, guest) = (portal.administrator().await, portal.guest());
    guest.get("/").await.hides("<img");
    save(&admin, &[], Some(&png(400, 100))).await.is(303);
    let page = guest.get("/").await;
    let href = address(&page, "/site/logo-");
    page.shows(&format!("<img src=\"{href}\" alt=\"\" width=\"112\" height=\"28\">")).shows("favicon");
    let file = guest.get(&href).await;
    file.is(200);
    assert_eq!(file.bytes, png(400, 100));
    assert_eq!(file.header("content-type"), "image/png");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(file.header("content-security-policy"), "default-src 'none'; sandbox; frame-ancestors 'none'");
    guest.get(&href.replace(".png", ".webp")).await.is(404);
    // A square one stands in the tab too; saving something else leaves it.
    save(&admin, &[], Some(&png(64, 64))).await.is(303);
    save(&admin, &[("name", "Contoso")], None).await.is(303);
    let page = guest.get("/").await;
    page.hides("favicon").shows("width=\"28\" height=\"28\"");
    guest.get(&href).await.is(404);
    let href = address(&page, "/site/logo-");
    guest.get(&href).await.is(200);
    save(&admin, &[("name", "Contoso"), ("remove_logo", "on")], None).await.is(303);
    guest.get("/").await.hides("<img").shows("favicon");
    guest.get(&href).await.is(404);
    assert_eq!(portal.count("select count(*) from site where logo is null").await, 1);
    let log = admin.get("/publisher/export/audit.jsonl").await;
    log.shows(&format!("{}, {} bytes", &href["/site/logo-".len()..href.len() - 4], png(64, 64).len()));
}

#[tokio::test]
async fn what_is_no_logo_is_refused_beside_the_field() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let typed = [("name", "Contoso"), ("home", "Welcome to *Contoso*.")];
    for (file, status, words) in [
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>".to_vec(), 422, "can hold script"),
        (b"MZ\x90".to_vec(), 422, "no PNG, JPEG or WebP"),
        (png(2000, 20), 422, "2000 × 20 pixels"),
        ([png(20, 20), vec![0; 200_000]].concat(), 413, "201 kB"),
        (vec![0; 11_000_000], 413, "larger than 10 MB"),
    ] {
        let page = save(&admin, &typed, Some(&file)).await;
        page.is(status).shows(words).shows("id=\"logo-error\"").shows("value=\"Contoso\"").shows("Welcome to *Contoso*.");
    }
    let page = save(&admin, &[("name", "")], Some(&png(20, 20))).await;
    page.is(422).shows("The name is missing.").shows("Choose it again.");
    assert_eq!(portal.count("select count(*) from site where name = 'Portico' and logo is null and version = 1").await, 1);
}

#[tokio::test]
async fn the_accent_is_made_readable_and_said_so() {
    let portal = Portal::start().await;
    let (admin, guest) = (portal.administrator().await, portal.guest());
    guest.get("/").await.hides("/site/accent-");
    save(&admin, &[("accent", "#FD0")], None).await.is(303);
    admin.get(FORM).await.shows("Saved. The dark theme shows it as it is; on light it becomes #").shows("value=\"#ffdd00\"");
    let page = guest.get("/").await;
    let href = address(&page, "/site/accent-ffdd00-");
    let css = guest.get(&href).await;
    css.is(200).shows("--accent: light-dark(#").shows(", #ffdd00);").shows("--tint:");
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(css.header("cache-control"), "public, max-age=31536000, immutable");
    guest.get("/site/accent-ffdd00-00000000.css").await.is(404);
    guest.get("/site/accent-ffdd0").await.is(404);
    for wrong in ["red", "#12345", "url(x)", "#fff;}"] {
        save(&admin, &[("accent", wrong)], None).await.is(422).shows("id=\"accent-error\"").shows(&format!("value=\"{wrong}\""));
    }
    // The picker counts when it alone was touched; the written one when both were.
    let picked = [("accent", "#ffdd00"), ("accent_shown", "#ffdd00"), ("accent_pick", "#2456b8")];
    save(&admin, &picked, None).await.is(303);
    admin.get(FORM).await.shows("value=\"#2456b8\"");
    save(&admin, &[("accent", "#7a1fa2"), ("accent_shown", "#2456b8"), ("accent_pick", "#00ff00")], None).await.is(303);
    admin.get(FORM).await.shows("value=\"#7a1fa2\"");
    save(&admin, &[("accent", ""), ("accent_shown", "#7a1fa2"), ("accent_pick", "#7a1fa2")], None).await.is(303);
    guest.get("/").await.hides("/site/accent-");
    // An untouched picker, which is never empty, chooses nothing.
    save(&admin, &[("name", "Contoso"), ("accent_pick", "#2456b8")], None).await.is(303);
    guest.get("/").await.hides("/site/accent-");
}

#[tokio::test]
async fn the_home_page_has_a_text_that_is_harmless() {
    let portal = Portal::start().await;
    let (admin, guest) = (portal.administrator().await, portal.guest());
    let home = "# Welcome\n\nRead *first*. <script>alert(1)</script><img src=x onerror=alert(1)> [Go](javascript:alert(1))";
    save(&admin, &[("home", home)], None).await.is(303);
    let page = guest.get("/").await;
    page.shows("<h3>Welcome</h3>").shows("<em>first</em>").hides("alert(1)").hides("onerror").hides("<img");
    guest.get("/?q=x").await.hides("Welcome");
    guest.get("/products").await.hides("Welcome");
    save(&admin, &[("home", &"x".repeat(10_001))], None).await.is(422).shows("may have 10000 characters; this has 10001.");
}

#[tokio::test]
async fn links_stand_at_the_foot_and_a_wrong_line_is_named() {
    let portal = Portal::start().await;
    let (admin, guest) = (portal.administrator().await, portal.guest());
    let links = "Terms | https://contoso.example/terms?a=1&b=2\nWrite to us | mailto:apis@contoso.example\nAll | /products";
    save(&admin, &[("links", links)], None).await.is(303);
    for path in ["/", "/signin"] {
        let page = guest.get(path).await;
        page.shows("<a href=\"https://contoso.example/terms?a=1&#38;b=2\"><bdi>Terms</bdi></a>").shows("mailto:apis@contoso.example");
    }
    let page = save(&admin, &[("links", "Terms | /terms\nBad | javascript:alert(1)")], None).await;
    page.is(422).shows("Line 2: ").shows("id=\"links-error\"").shows("Bad | javascript:alert(1)");
}

#[tokio::test]
async fn two_administrators_at_once_are_told() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let shown = version(&admin).await;
    save(&admin, &[("name", "Theirs"), ("home", "Hello")], Some(&png(30, 30))).await.is(303);
    let page = send(&admin, FORM, &shown, &[("name", "Mine"), ("remove_logo", "on")], None).await;
    page.is(409)
        .shows("Somebody else saved this page meanwhile")
        .shows("<dd dir=\"auto\">Theirs</dd>")
        .shows("<dd dir=\"auto\">Hello</dd>");
    page.shows("PNG, 30 × 30 pixels, 1 kB").shows("value=\"Mine\"").shows("name=\"remove_logo\" value=\"on\" checked");
    let now = page.text.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version").to_owned();
    send(&admin, FORM, &now, &[("name", "Mine")], None).await.is(303);
    admin.get(FORM).await.shows("value=\"Mine\"").shows("The logo in use");
    send(&admin, FORM, "", &[("name", "Mine")], None).await.is(400);
}

#[tokio::test]
async fn a_preview_shows_the_home_page_and_saves_nothing() {
    let portal = Portal::start().await;
    let (admin, guest) = (portal.administrator().await, portal.guest());
    guest.get("/").await.is(200);
    let typed = [("name", "Contoso APIs"), ("accent", "#7a1fa2"), ("home", "Come *in*"), ("links", "Terms | /terms")];
    let page = send(&admin, "/publisher/settings/site/preview", "1", &typed, Some(&png(30, 30))).await;
    page.is(200).shows("Nothing is saved").shows("<bdi>Contoso APIs</bdi>").shows("/site/accent-7a1fa2-").shows("Come <em>in</em>");
    page.shows("<bdi>Terms</bdi>").hides("<img").shows("aria-current=\"page\"><span>Home</span>");
    assert_eq!(page.header("cache-control"), "no-store");
    guest.get(&address(&page, "/site/accent-")).await.is(200);
    guest.get("/").await.shows("<bdi>Portico</bdi>").hides("Come").hides("Nothing is saved");
    let page = send(&admin, "/publisher/settings/site/preview", "1", &[("name", ""), ("home", "kept")], None).await;
    page.is(422).shows("The name is missing.").shows("kept");
    assert!(!portal.audited().await.iter().any(|entry| entry.contains("portal.face_edited")));
}
