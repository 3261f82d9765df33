//! The harness tried on pages of its own, so that a story that fails can be believed. Nothing of the portal is in here.

use std::{net::TcpListener, thread};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, http::header, web};

use crate::support::{Browser, View};

const FORM: &str = r#"<!doctype html><html lang="en"><title>Form</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css"><script src="/script.js" defer></script>
<main><h1>Groups</h1><p id="script">script is off</p>
<form method="post" action="/save"><label for="name">Name</label> <input id="name" name="name" value="old">
<label>Kind <select name="kind"><option>custom<option>external</select></label>
<table><tr><td><label for="a">Partners</label><td><input type="checkbox" id="a" name="group" value="partners">
<tr><td>O'Neil "Ltd"<td><input type="checkbox" aria-label="O'Neil &quot;Ltd&quot;" name="group" value="oneil"></table>
<details><summary>Add to Group</summary><button name="to" value="menu">Into Partners</button></details>
<button>Save <span>2</span></button></form>
<ul><li><b>Contoso</b> <a href="/contoso">Open</a><li><b>Fabrikam</b> <a href="/fabrikam">Open</a></ul></main>"#;

const STYLE: &str = "body { background: white; color: black } \
    @media (prefers-color-scheme: dark) { body { background: black; color: white } a { color: white } } \
    input, summary, button, select { min-height: 24px; min-width: 24px }";

const SCRIPT: &str = "document.getElementById('script').textContent = 'script is on'; \
    document.cookie = 'seen=1'; if (location.search === '?throw') { throw new Error('on purpose') }";

const BROKEN: &str = r#"<!doctype html><html lang="en"><title>Broken</title><main><h1>Broken</h1>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><input></main>"#;

fn page(html: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'self'; img-src data:"))
        .body(html.into())
}

/// Serves the pages above; ends with the value.
struct Pages {
    address: String,
    handle: ServerHandle,
}

impl Pages {
    fn start() -> Pages {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let app = || {
            App::new()
                .route("/", web::get().to(async || page(FORM)))
                .route("/broken", web::get().to(async || page(BROKEN)))
                .route("/save", web::post().to(async |sent: String| page(format!("<title>Saved</title><p>saved  {sent}"))))
                .route("/style.css", web::get().to(async || HttpResponse::Ok().content_type("text/css").body(STYLE)))
                .route("/script.js", web::get().to(async || HttpResponse::Ok().content_type("text/javascript").body(SCRIPT)))
                .default_service(web::to(async || HttpResponse::NotFound().content_type("text/html").body("<p>Not here")))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).expect("listening").run();
        let handle = server.handle();
        tokio::spawn(server);
        Pages { address, handle }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

#[tokio::test]
async fn a_form_is_filled_and_sent_with_and_without_script() {
    let pages = Pages::start();
    for view in View::with_and_without_script() {
        let Some(browser) = Browser::open(&pages.address, view).await else {
            return;
        };
        browser.goto("/").await;
        browser.see(if view.script { "script is on" } else { "script is off" }).await;
        assert_eq!(browser.value("Name").await, "old");
        browser.fill("Name", "Contoso partners").await;
        browser.fill("Kind", "external").await;
        browser.tick("Partners").await;
        browser.tick_in("O'Neil \"Ltd\"").await;
        browser.untick("O'Neil \"Ltd\"").await;
        assert!(browser.is_ticked("Partners").await);
        browser.see_not("Into Partners").await;
        browser.click("Add to Group").await;
        browser.see("Into Partners").await;
        browser.click("Save").await;
        browser.see("saved name=Contoso+partners&kind=external&group=partners").await;
        assert_eq!((browser.path().await.as_str(), browser.status().await), ("/save", 200));
    }
}

#[tokio::test]
async fn links_are_found_in_their_row_and_the_status_is_seen() {
    let pages = Pages::start();
    for view in View::with_and_without_script() {
        let Some(browser) = Browser::open(&pages.address, view).await else {
            return;
        };
        browser.goto("/").await;
        browser.click_in("Fabrikam", "Open").await;
        browser.see("Not here").await;
        assert_eq!((browser.path().await.as_str(), browser.status().await), ("/fabrikam", 404));
        browser.goto("/").await;
        browser.click("css=li:first-of-type a").await;
        assert_eq!(browser.path().await, "/contoso");
        browser.goto("/").await;
        browser.click("#name").await;
        browser.enter().await;
        browser.see("saved name=old").await;
    }
}

#[tokio::test]
async fn width_and_colours_are_as_asked() {
    let pages = Pages::start();
    for (width, dark) in [(360, false), (360, true), (1920, true)] {
        let view = View { width, dark, ..View::default() };
        let Some(browser) = Browser::open(&pages.address, view).await else {
            return;
        };
        browser.goto("/").await;
        assert_eq!(browser.ask("return innerWidth").await, width);
        assert_eq!(browser.overflow().await, 0);
        let colour = browser.ask("return getComputedStyle(document.body).backgroundColor").await;
        assert_eq!(colour, if dark { "rgb(0, 0, 0)" } else { "rgb(255, 255, 255)" });
        let file = browser.screenshot("harness").await;
        assert!(file.ends_with(format!("harness-{width}{}.png", if dark { "-dark" } else { "" })));
    }
}

#[tokio::test]
async fn the_console_and_cookies_can_be_read() {
    let pages = Pages::start();
    let Some(browser) = Browser::open(&pages.address, View::default()).await else {
        return;
    };
    browser.goto("/").await;
    browser.see("script is on").await;
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
    assert_eq!(browser.cookies().await, [("seen".to_owned(), "1".to_owned())]);
    browser.forget_cookies().await;
    assert_eq!(browser.cookies().await, []);
    browser.goto("/?throw").await;
    browser.see("script is on").await;
    let errors = browser.console_errors().await;
    assert!(errors.len() == 1 && errors[0].contains("on purpose"), "{errors:?}");
}

#[tokio::test]
async fn axe_finds_what_is_wrong_under_a_strict_csp_and_nothing_else() {
    let pages = Pages::start();
    let Some(browser) = Browser::open(&pages.address, View::default()).await else {
        return;
    };
    browser.goto("/").await;
    assert_eq!(browser.axe().await, "");
    assert_eq!(browser.console_errors().await, Vec::<String>::new());
    browser.goto("/broken").await;
    let found = browser.axe().await;
    for rule in ["image-alt (critical)", "label (critical)"] {
        assert!(found.contains(rule), "{found}");
    }
}

#[tokio::test]
async fn two_browsers_are_two_people() {
    let pages = Pages::start();
    let Some(one) = Browser::open(&pages.address, View::default()).await else {
        return;
    };
    let Some(other) = Browser::open(&pages.address, View::default()).await else {
        return;
    };
    one.goto("/").await;
    one.see("script is on").await;
    other.goto("/broken").await;
    assert_eq!((one.cookies().await.len(), other.cookies().await.len()), (1, 0));
}

#[test]
fn a_panic_leaves_no_browser() {
    let (told, profile) = std::sync::mpsc::channel();
    let story = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let Some(browser) = Browser::open("http://127.0.0.1:1", View::default()).await else {
                return;
            };
            told.send(browser.profile()).expect("heard");
            panic!("on purpose");
        });
    });
    let Ok(profile) = profile.recv() else { return };
    assert!(story.join().is_err());
    assert!(!profile.exists(), "the profile is gone, so the browser that wrote to it is");
}
