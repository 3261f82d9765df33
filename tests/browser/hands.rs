//! The portal for other eyes and hands: the keyboard alone, high contrast, paper, and what script adds where it is on.

use serde_json::json;

use crate::{
    portal::{PASSWORD, Portal},
    support::{Browser, View},
};
use portico::users::UserState;

pub async fn sign_in(browser: &Browser) {
    browser.goto("/signin").await;
    browser.fill("Email", "root@portal.example").await;
    browser.fill("Password", PASSWORD).await;
    browser.click("css=form[action='/signin'] button").await;
    browser.see("Dashboard").await;
}

/// A portal with two groups, a product that is open to one of them, and a developer.
async fn furnished() -> Portal {
    let portal = Portal::start().await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    let beta = portal.add_group("Beta").await;
    portal.add_group("Contoso").await;
    let orders = portal.add_product("Orders").await;
    portal.open_product(&orders, &beta).await;
    portal
}

/// Of these, those that a person who sees lines and text alone would miss.
const INVISIBLE: &str = "
    const style = (it, part) => getComputedStyle(it, part);
    const bad = [];
    const shown = selector => [...document.querySelectorAll(selector)].filter(it => it.checkVisibility() && it.offsetWidth > 2);
    const light = colour => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).map(it => ((it / 255 + .055) / 1.055) ** 2.4);
        return .2126 * red + .7152 * green + .0722 * blue + .05;
    };
    const contrast = it => {
        const both = [light(style(it).color), light(style(it).backgroundColor)];
        return Math.max(...both) / Math.min(...both);
    };
    const alike = (one, other) => one === other || one === 'rgba(0, 0, 0, 0)';
    for (const it of shown('.btn, .card, .badge, .menu[open] > div, main input:not([type=hidden]), select, textarea, .note, .drawer:popover-open, dialog')) {
        const {borderTopWidth, borderTopStyle, borderTopColor, backgroundColor} = style(it);
        if (parseFloat(borderTopWidth) < 1 || borderTopStyle === 'none' || alike(borderTopColor, backgroundColor)) bad.push('border ' + it.outerHTML.slice(0, 80));
    }
    for (const it of shown('[type=checkbox]:checked')) {
        const tick = style(it, '::before');
        if (tick.visibility !== 'visible' || !(parseFloat(tick.width) > 8) || alike(tick.backgroundColor, style(it).backgroundColor)) bad.push('tick ' + it.outerHTML.slice(0, 80));
    }
    for (const it of shown('[aria-current], [aria-pressed=true]')) {
        if (alike(style(it).backgroundColor, style(document.body).backgroundColor)) bad.push('current ' + it.outerHTML.slice(0, 80));
        if (contrast(it) < 4.5) bad.push('words ' + it.outerHTML.slice(0, 80));
    }
    return bad.join('\\n')";

#[tokio::test]
async fn high_contrast_keeps_edges_ticks_and_where_one_is() {
    let portal = furnished().await;
    let Some(browser) = Browser::open(&portal.base, View::default()).await else { return };
    sign_in(&browser).await;
    for scheme in ["light", "dark"] {
        browser.medium("", &[("forced-colors", "active"), ("prefers-color-scheme", scheme)]).await;
        for path in
            ["/publisher/users", "/publisher/products/orders/visibility", "/publisher/groups/guests", "/publisher/groups/beta", "/products"]
        {
            browser.goto(path).await;
            if path == "/publisher/users" {
                browser.tick_in("Ana Alves").await;
                browser.click("Add to Group").await;
            }
            assert_eq!(browser.ask(INVISIBLE).await, "", "{path} in {scheme}");
            browser.screenshot(&format!("contrast-{scheme}-{path}")).await;
        }
    }
    // A ring that looks like the mark of the current page would say nothing.
    browser.goto("/publisher/users").await;
    browser.tab_to("Users").await;
    let (ring, ground) = ("outlineColor", "backgroundColor");
    let both = format!("const style = getComputedStyle(document.activeElement); return [style.{ring}, style.{ground}, style.outlineStyle]");
    let both = browser.ask(&both).await;
    assert_ne!(both[0], both[1], "{both}");
}

#[tokio::test]
async fn lists_are_printed_whole_and_without_what_is_pressed() {
    let portal = furnished().await;
    let Some(browser) = Browser::open(&portal.base, View { width: 720, dark: true, ..View::default() }).await else { return };
    sign_in(&browser).await;
    // Who chose the dark theme prints dark on white all the same.
    browser.click("Menu").await;
    browser.click("css=button[name=theme][value=dark]").await;
    browser.wait_for("return document.documentElement.dataset.theme === 'dark' && document.readyState === 'complete'").await;
    for (path, words) in [
        ("/publisher/users", "ana@contoso.example"),
        ("/publisher/groups", "Contoso"),
        ("/publisher/products", "Orders"),
        ("/publisher/audit", "Operator"),
        ("/publisher/products/orders/visibility", "Beta"),
        ("/products", "Products"),
    ] {
        browser.goto(path).await;
        browser.medium("print", &[("prefers-color-scheme", "dark")]).await;
        browser.see(words).await;
        let wrong = browser
            .ask(
                "const pressed = 'button, .btn, nav, summary, input, select, .side, .top';
                 const shown = [...document.querySelectorAll(pressed)].filter(it => it.checkVisibility() && it.offsetWidth > 2 && !it.closest('.checks'));
                 const table = document.querySelector('main table');
                 const heads = table ? [...table.tHead.rows[0].cells].filter(it => it.checkVisibility()) : [];
                 const cells = table ? [...table.tBodies[0].rows[0].cells].filter(it => it.checkVisibility()) : [];
                 const ink = getComputedStyle(document.querySelector('main h1')).color;
                 const links = [...document.querySelectorAll('main :is(td, li) a')].filter(it => it.checkVisibility());
                 return [
                     ...shown.map(it => it.outerHTML.slice(0, 80)),
                     heads.length === cells.length && (!table || heads.length > 2) ? '' : 'the table has lost its columns',
                     links.every(it => getComputedStyle(it).color === getComputedStyle(it.parentElement).color || it.matches('.badge')) ? '' : 'links differ from the text',
                     parseInt(ink.match(/\\d+/)[0]) < 80 ? '' : `the ink is ${ink}`,
                     document.documentElement.scrollWidth > innerWidth ? 'wider than the paper' : '',
                 ].filter(Boolean).join('\\n')",
            )
            .await;
        browser.screenshot(&format!("print-{path}")).await;
        assert_eq!(wrong, "", "{path}");
        browser.medium("", &[]).await;
    }
}

/// What moves after the page is there is pressed by mistake.
#[tokio::test]
async fn nothing_moves_while_a_page_arrives() {
    const MOVED: &str = "return new Promise(done => {
        let sum = 0;
        const add = entries => entries.forEach(it => { sum += it.value; });
        const observer = new PerformanceObserver(list => add(list.getEntries()));
        observer.observe({type: 'layout-shift', buffered: true});
        const paint = left => left ? requestAnimationFrame(() => paint(left - 1)) : (add(observer.takeRecords()), done(sum));
        paint(4);
    })";
    let portal = furnished().await;
    let Some(browser) = Browser::open(&portal.base, View::default()).await else { return };
    sign_in(&browser).await;
    // As from afar, so that script arrives after the page.
    browser.tell("Network.enable", json!({})).await;
    browser.tell("Network.setCacheDisabled", json!({"cacheDisabled": true})).await;
    let slow = json!({"offline": false, "latency": 40, "downloadThroughput": 60_000, "uploadThroughput": 60_000});
    browser.tell("Network.emulateNetworkConditions", slow).await;
    for width in [1280, 390] {
        browser.look_as(width, false).await;
        for path in ["/publisher/users", "/publisher/products/orders/visibility", "/publisher/audit", "/publisher", "/"] {
            browser.goto(path).await;
            assert_eq!(browser.ask(MOVED).await.as_f64(), Some(0.0), "{path} at {width} px");
        }
    }
    browser.ask("document.querySelector('main').style.marginTop = '200px'").await;
    assert!(browser.ask(MOVED).await.as_f64() > Some(0.0), "a movement is noticed");
}
