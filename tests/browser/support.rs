//! A person at a browser: Chromium over WebDriver, steered by the words on the page. No feature of the portal is known here.
//!
//! Every wait is bounded by `PATIENCE` and looks again every `PAUSE`. What is not found in time panics with the steps taken so
//! far, the page's text and a picture of it in `target/screens/`. The browser is closed on drop, so also by a panic.

#![allow(dead_code, reason = "each story uses what it needs")]

use std::{
    env,
    fmt::Debug,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    By, ChromeCapabilities, ChromiumLikeCapabilities, Key, LoggingPrefsLogLevel, WebDriver, WebElement,
    error::{WebDriverError, WebDriverErrorInner, WebDriverResult},
};

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(40);

/// How the page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub script: bool,
    /// CSS pixels; less than Chromium's smallest window is possible.
    pub width: u32,
    pub dark: bool,
}

impl Default for View {
    fn default() -> Self {
        View { script: true, width: 1280, dark: false }
    }
}

impl View {
    /// The two that every story is told in.
    pub fn with_and_without_script() -> [View; 2] {
        [true, false].map(|script| View { script, ..View::default() })
    }
}

/// One session with a profile of its own: two browsers are two people.
pub struct Browser {
    driver: WebDriver,
    base: String,
    view: View,
    steps: Mutex<Vec<String>>,
    /// The profile, removed after the session has ended.
    profile: TempDir,
}

impl Browser {
    /// Opens a browser on the portal at `base` (`http://127.0.0.1:port`). None, with a printed line, where no driver was given.
    pub async fn open(base: &str, view: View) -> Option<Browser> {
        let Ok(driver) = env::var("PORTICO_TEST_CHROMEDRIVER") else {
            // Past the capture of cargo test, which hides what passing tests print.
            let _ =
                writeln!(std::io::stderr(), "skipped {}: PORTICO_TEST_CHROMEDRIVER is not set (tests/run browser sets it)", test_name());
            return None;
        };
        // reqwest, which the driver's client is built on, has no TLS provider of its own here; that one is there already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let profile = tempfile::Builder::new().prefix("portico-chromium-").tempdir().expect("a folder for the profile");
        let driver = WebDriver::new(&driver, capabilities(view, &profile).expect("capabilities"))
            .await
            .unwrap_or_else(|error| panic!("no session at {driver}: {error}"));
        let browser = Browser { driver, base: base.trim_end_matches('/').to_owned(), view, steps: Mutex::default(), profile };
        browser.set_up().await.expect("the view is set");
        Some(browser)
    }

    async fn set_up(&self) -> WebDriverResult<()> {
        let handle = &self.driver;
        handle.set_page_load_timeout(Duration::from_secs(20)).await?;
        handle.set_script_timeout(Duration::from_secs(30)).await?;
        self.show_as(self.view.width, self.view.dark).await
    }

    async fn show_as(&self, width: u32, dark: bool) -> WebDriverResult<()> {
        let scheme = if dark { "dark" } else { "light" };
        self.cdp("Emulation.setEmulatedMedia", json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]})).await?;
        self.cdp("Emulation.setDeviceMetricsOverride", json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}))
            .await?;
        Ok(())
    }

    /// Changes the width and the colours of the page that is open.
    pub async fn look_as(&self, width: u32, dark: bool) {
        self.show_as(width, dark).await.expect("another view");
    }

    /// Sets the size of letters in the browser's settings, 16 being the usual one.
    pub async fn letters(&self, pixels: u32) {
        self.tell("Page.setFontSizes", json!({"fontSizes": {"standard": pixels}})).await;
    }

    /// Looks at the page on another medium ("print"), or with a feature: `("forced-colors", "active")`.
    pub async fn medium(&self, medium: &str, features: &[(&str, &str)]) {
        let features: Vec<Value> = features.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        self.tell("Emulation.setEmulatedMedia", json!({"media": medium, "features": features})).await;
    }

    /// Says something to the browser that WebDriver has no words for.
    pub async fn tell(&self, method: &str, params: Value) -> Value {
        self.cdp(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The folder with everything that this browser keeps.
    pub fn profile(&self) -> PathBuf {
        self.profile.path().to_owned()
    }

    async fn cdp(&self, method: &str, params: Value) -> WebDriverResult<Value> {
        self.driver.cdp().send_raw(method, params).await
    }

    // What a person does. Words are those on the page; what begins with `#`, `.`, `[` or `css=` is a selector instead.

    /// Goes to a path of the portal, or to a whole address.
    pub async fn goto(&self, path: &str) {
        self.note(format!("goto {path}"));
        let address = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        if let Err(error) = self.driver.goto(&address).await {
            self.fail(&format!("{address} loads"), Some(error)).await;
        }
    }

    /// Presses the first visible link, button, menu head or label with these words.
    pub async fn click(&self, words: &str) {
        self.note(format!("click {words:?}"));
        self.press(words, control(words)).await;
    }

    /// The same within the row, list item, card, field set or dialog that has the words `row`.
    pub async fn click_in(&self, row: &str, words: &str) {
        self.note(format!("click {words:?} in {row:?}"));
        self.press(words, format!("{}{}", around(row), control(words))).await;
    }

    async fn press(&self, words: &str, path: String) {
        let by = selector(words).unwrap_or(By::XPath(path));
        self.until(&format!("{words:?} can be clicked"), async || {
            let Some(found) = self.visible(by.clone()).await? else {
                return Ok(None);
            };
            found.click().await.map(Some)
        })
        .await;
    }

    /// Types into the field with this label, or chooses from it when it is a list. What was in it is replaced.
    pub async fn fill(&self, label: &str, value: &str) {
        self.note(format!("fill {label:?} with {value:?}"));
        self.until(&format!("{label:?} can be filled"), async || {
            let Some(found) = self.visible(field(label, "")).await? else {
                return Ok(None);
            };
            if found.tag_name().await? == "select" {
                let option = format!(".//option[normalize-space(.)={}]", quoted(value));
                return found.find(By::XPath(option)).await?.click().await.map(Some);
            }
            found.clear().await?;
            found.send_keys(value).await.map(Some)
        })
        .await;
    }

    /// Ticks the box or the choice with this label; nothing happens when it is ticked.
    pub async fn tick(&self, label: &str) {
        self.set_box(label, field(label, BOX), true).await;
    }

    pub async fn untick(&self, label: &str) {
        self.set_box(label, field(label, BOX), false).await;
    }

    /// Ticks the first box in the row that has these words.
    pub async fn tick_in(&self, row: &str) {
        let path = format!("{}//input{BOX}", around(row));
        self.set_box(row, By::XPath(path), true).await;
    }

    async fn set_box(&self, label: &str, by: By, ticked: bool) {
        self.note(format!("{} {label:?}", if ticked { "tick" } else { "untick" }));
        self.until(&format!("{label:?} can be ticked"), async || {
            let Some(found) = self.visible(by.clone()).await? else {
                return Ok(None);
            };
            if found.is_selected().await? != ticked {
                found.click().await?;
            }
            Ok((found.is_selected().await? == ticked).then_some(()))
        })
        .await;
    }

    /// Presses keys where the focus is, such as `Key::Tab` or `"/"`.
    pub async fn keys(&self, keys: impl Into<thirtyfour::TypingData> + Debug) {
        self.note(format!("keys {keys:?}"));
        let sent = match self.driver.active_element().await {
            Ok(found) => found.send_keys(keys).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            self.fail("keys can be pressed", Some(error)).await;
        }
    }

    /// Enter in the field that has the focus, as people send a form.
    pub async fn enter(&self) {
        self.keys(Key::Enter).await;
    }

    /// Presses Tab until the focus is on what is called so, or begins so. Wherever it stops on the way, it can be seen.
    pub async fn tab_to(&self, words: &str) {
        self.note(format!("tab to {words:?}"));
        let mut passed = Vec::new();
        for _ in 0..120 {
            // Not sent to an element: a field for a file would take it for a name.
            if let Err(error) = self.driver.action_chain().send_keys(Key::Tab).perform().await {
                self.fail("Tab can be pressed", Some(error)).await;
            }
            let stop = self.ask(FOCUS).await;
            let name = stop["name"].as_str().unwrap_or_default();
            if let Some(wrong) = stop["wrong"].as_str() {
                self.fail(&format!("the focus on {name:?} can be seen: {wrong}"), None).await;
            }
            if name == words || name.strip_prefix(words).is_some_and(|rest| rest.starts_with(' ')) {
                return;
            }
            passed.push(name.to_owned());
        }
        self.fail(&format!("Tab reaches {words:?}; it passed {passed:?}"), None).await;
    }

    // What a person sees.

    /// Waits until the page shows these words; any run of spaces counts as one.
    pub async fn see(&self, words: &str) {
        self.note(format!("see {words:?}"));
        self.until(&format!("the page shows {words:?}"), async || Ok(self.shown().await?.contains(words).then_some(()))).await;
    }

    /// Waits until the page shows these words no more. Say first, with `see`, what shows that it is the page meant.
    pub async fn see_not(&self, words: &str) {
        self.note(format!("see not {words:?}"));
        self.until(&format!("the page does not show {words:?}"), async || Ok((!self.shown().await?.contains(words)).then_some(()))).await;
    }

    /// Waits until a line of JavaScript answers with true.
    pub async fn wait_for(&self, script: &str) {
        self.note(format!("wait for {script}"));
        self.until(script, async || Ok((*self.driver.execute(script, []).await?.json() == true).then_some(()))).await;
    }

    /// The visible text of the page.
    pub async fn text(&self) -> String {
        self.until("the page has a text", async || self.shown().await.map(Some)).await
    }

    async fn shown(&self) -> WebDriverResult<String> {
        let text: String = self.driver.execute("return document.body.innerText", []).await?.convert()?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// What the field with this label holds.
    pub async fn value(&self, label: &str) -> String {
        self.until(&format!("{label:?} is there"), async || {
            Ok(match self.visible(field(label, "")).await? {
                Some(found) => Some(found.value().await?.unwrap_or_default()),
                None => None,
            })
        })
        .await
    }

    /// Is the box or the choice with this label ticked?
    pub async fn is_ticked(&self, label: &str) -> bool {
        self.until(&format!("{label:?} is there"), async || {
            Ok(match self.visible(field(label, BOX)).await? {
                Some(found) => Some(found.is_selected().await?),
                None => None,
            })
        })
        .await
    }

    /// Path and query of the page.
    pub async fn path(&self) -> String {
        let url = self.until("the page has an address", async || self.driver.current_url().await.map(Some)).await;
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }

    /// The HTTP status of the page.
    pub async fn status(&self) -> u16 {
        self.ask("return performance.getEntriesByType('navigation')[0].responseStatus")
            .await
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .expect("a status")
    }

    /// What a line of JavaScript answers, also in a page whose own script is off: for widths, focus, computed styles.
    pub async fn ask(&self, script: &str) -> Value {
        self.until(script, async || Ok(Some(self.driver.execute(script, []).await?.json().clone()))).await
    }

    /// How many pixels the page is wider than the window: 0, or a person has to scroll sideways.
    pub async fn overflow(&self) -> i64 {
        self.ask("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await.as_i64().expect("a number")
    }

    /// Names and values of the cookies, those out of script's reach too.
    pub async fn cookies(&self) -> Vec<(String, String)> {
        let cookies = self.driver.get_all_cookies().await.expect("cookies");
        cookies.into_iter().map(|it| (it.name, it.value)).collect()
    }

    /// Forgets all cookies, as one who comes from another machine.
    pub async fn forget_cookies(&self) {
        self.note("forget cookies".to_owned());
        self.driver.delete_all_cookies().await.expect("cookies deleted");
    }

    /// What the console reported as an error since it was last asked: exceptions, refusals of the CSP, files not found.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.expect("the console's log");
        log.into_iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message).collect()
    }

    /// The whole page as `target/screens/NAME-WIDTH….png`.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        self.picture(name).await.expect("a screenshot")
    }

    async fn picture(&self, name: &str) -> WebDriverResult<PathBuf> {
        let View { script, width, dark } = self.view;
        let name: String = name.chars().map(|it| if it.is_alphanumeric() { it } else { '-' }).collect();
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!(
            "target/screens/{name}-{width}{}{}.png",
            if dark { "-dark" } else { "" },
            if script { "" } else { "-no-script" }
        ));
        let answer = self.cdp("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await?;
        let png = STANDARD
            .decode(answer["data"].as_str().unwrap_or_default())
            .map_err(|error| WebDriverError::from_inner(WebDriverErrorInner::ParseError(error.to_string())))?;
        fs::create_dir_all(file.parent().expect("a parent"))?;
        fs::write(&file, png)?;
        Ok(file)
    }

    /// Looks for violations of WCAG 2.2 A and AA with axe-core: empty, or a paragraph for each rule with the elements that break it.
    pub async fn axe(&self) -> String {
        self.axe_for("").await
    }

    /// The same for one rule alone, or for all when it is empty.
    pub async fn axe_for(&self, rule: &str) -> String {
        assert!(self.view.script, "axe-core waits by timers, which a page with script off does not have");
        let file = env::var("PORTICO_TEST_AXE").expect("PORTICO_TEST_AXE names axe.min.js (tests/run browser sets it)");
        let axe = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        if self.ask("return !window.axe").await == true {
            self.driver.execute(axe, []).await.expect("axe-core loads");
        }
        let answer = self.driver.execute_async(RUN_AXE, [json!(rule)]).await.expect("axe-core runs");
        answer.json().as_str().expect("a text").to_owned()
    }

    // How it is done.

    /// The first of these elements that a person can see.
    async fn visible(&self, by: By) -> WebDriverResult<Option<WebElement>> {
        for found in self.driver.find_all(by).await? {
            if found.is_displayed().await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Looks until there is something, or patience ends. Errors are looked over: the page may be changing just now.
    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> WebDriverResult<Option<T>>) -> T {
        let start = Instant::now();
        loop {
            let error = match look().await {
                Ok(Some(found)) => return found,
                Ok(None) => None,
                Err(error) => Some(error),
            };
            let hopeless = error.as_ref().is_some_and(|error| {
                matches!(error.as_inner(), WebDriverErrorInner::WebDriverTimeout(_) | WebDriverErrorInner::InvalidSessionId(_))
            });
            if hopeless || start.elapsed() > PATIENCE {
                self.fail(what, error).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn note(&self, step: String) {
        self.steps.lock().expect("no panic holds it").push(step);
    }

    async fn fail(&self, what: &str, error: Option<WebDriverError>) -> ! {
        let steps = self.steps.lock().expect("no panic holds it").join("\n    ");
        let at = self.driver.current_url().await.map(|url| url.to_string());
        let text: String = self.shown().await.unwrap_or_default().chars().take(1500).collect();
        let picture = self.picture(&format!("failed-{}", test_name())).await;
        panic!(
            "waited in vain until {what}\n  at {}\n  {:?}\n  steps:\n    {steps}\n  picture: {}\n  error: {}\n  text: {text}",
            at.unwrap_or_default(),
            self.view,
            picture.map_or_else(|error| error.to_string(), |it| it.display().to_string()),
            error.map_or_else(|| "none".to_owned(), |error| error.to_string()),
        )
    }
}

impl Drop for Browser {
    /// Ends the session without a runtime, because after a panic there may be none.
    fn drop(&mut self) {
        let _ = self.driver.clone().leak(); // else thirtyfour does it, asynchronously
        let server = self.driver.server_url();
        let host = format!("{}:{}", server.host_str().unwrap_or("127.0.0.1"), server.port_or_known_default().unwrap_or(80));
        let Ok(mut stream) = TcpStream::connect(&host) else {
            return;
        };
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let request = format!("DELETE /session/{} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n", self.driver.session_id());
        let _ = stream.write_all(request.as_bytes());
        // The answer comes when the browser has gone, and with it the last writer in its profile.
        let _ = stream.read(&mut [0; 512]);
    }
}

fn capabilities(view: View, profile: &TempDir) -> WebDriverResult<ChromeCapabilities> {
    let mut wanted = ChromeCapabilities::new();
    for switch in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-domain-reliability",
        "--disable-sync",
        "--disable-extensions",
        "--disable-features=MediaRouter,OptimizationHints,Translate",
        "--force-prefers-reduced-motion",
        "--password-store=basic",
        "--lang=en-GB",
    ] {
        wanted.add_arg(switch)?;
    }
    wanted.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
    let mut preferences = json!({
        "credentials_enable_service": false,
        "profile.password_manager_enabled": false,
        "profile.password_manager_leak_detection": false,
    });
    if !view.script {
        // 2 is "block". WebDriver's own scripts still run: they are not the page's.
        preferences["profile.managed_default_content_settings.javascript"] = json!(2);
    }
    wanted.add_experimental_option("prefs", preferences)?;
    wanted.set_browser_log_level(LoggingPrefsLogLevel::All)?;
    Ok(wanted)
}

/// What has the focus, and what is wrong with how it looks: no ring, or all of it behind something or outside the window.
const FOCUS: &str = "
    const it = document.activeElement, box = it.getBoundingClientRect();
    const words = it.getAttribute('aria-label') || (it.labels?.length ? it.labels[0] : it).innerText || it.title || '';
    const ring = [it, it.closest('.tile')].some(one => {
        const style = one && getComputedStyle(one);
        return style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    });
    const points = [.5, .02, .98].flatMap(x => [.5, .04, .96].map(y => [box.left + box.width * x, box.top + box.height * y]));
    const seen = points.some(([x, y]) => {
        const top = document.elementFromPoint(x, y);
        return top && (it.contains(top) || top.contains(it) || it.closest('label, .tile')?.contains(top));
    });
    const wrong = it === document.body ? null : !ring ? 'no ring' : !seen ? 'it is covered' : null;
    return {name: words.replace(/\\s+/g, ' ').trim(), wrong};
";

const BOX: &str = "[@type='checkbox' or @type='radio']";

const RUN_AXE: &str = "
    const done = arguments[arguments.length - 1];
    const rules = arguments[0] ? {runOnly: [arguments[0]]} : {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'],
        rules: {'target-size': {enabled: true}}};
    const options = {...rules, resultTypes: ['violations']};
    const element = it => `  ${it.target.join(' ')}\\n    ${it.html}\\n    ${it.failureSummary.replace(/\\s+/g, ' ')}`;
    const rule = it => `${it.id} (${it.impact}): ${it.help}\\n${it.nodes.map(element).join('\\n')}`;
    axe.run(document, options).then(
        found => done(found.violations.map(rule).join('\\n')),
        error => done(`axe-core failed: ${error}`));
";

/// The name of the running test, which cargo test gives to its thread.
fn test_name() -> String {
    thread::current().name().unwrap_or("test").to_owned()
}

fn selector(words: &str) -> Option<By> {
    match words.strip_prefix("css=") {
        Some(selector) => Some(By::Css(selector)),
        None => words.starts_with(['#', '.', '[']).then(|| By::Css(words)),
    }
}

/// XPath: an element that reads so, as a whole or in one piece of its text ("Subscribers" in "Subscribers 12").
fn reads(words: &str) -> String {
    let words = quoted(words);
    format!("[normalize-space(.)={words} or @aria-label={words} or .//text()[normalize-space(.)={words}]]")
}

/// XPath: what can be pressed.
fn control(words: &str) -> String {
    format!(
        "//*[self::a or self::button or self::summary or self::label or self::input[@type='submit' or @type='button'] \
         or @role='button' or @role='link' or @role='menuitem' or @role='tab']{}",
        reads(words).replace("[normalize-space(.)", &format!("[(self::input and @value={}) or normalize-space(.)", quoted(words)))
    )
}

/// The field that a label names: `for`, around it, `aria-label` or `aria-labelledby`.
fn field(label: &str, kind: &str) -> By {
    if let Some(by) = selector(label) {
        return by;
    }
    let words = quoted(label);
    let label = format!("//label{}", reads(label));
    By::XPath(format!(
        "//*[self::input[not(@type='hidden')] or self::select or self::textarea]{kind}\
         [@id={label}/@for or ancestor::*[self::label][.//text()[normalize-space(.)={words}]] or @aria-label={words} \
         or @aria-labelledby=//*[normalize-space(.)={words}]/@id]"
    ))
}

/// XPath: the innermost row, list item, card, field set or dialog with these words.
fn around(words: &str) -> String {
    let outer = "*[self::tr or self::li or self::article or self::fieldset or self::dialog]";
    let has = format!(".//text()[normalize-space(.)={}]", quoted(words));
    format!("//{outer}[{has}][not(.//{outer}[{has}])]")
}

/// A text as XPath writes it: there is no escape, so one with both quotes is put together.
fn quoted(text: &str) -> String {
    if !text.contains('\'') {
        format!("'{text}'")
    } else if !text.contains('"') {
        format!("\"{text}\"")
    } else {
        format!("concat('{}')", text.replace('\'', "', \"'\", '"))
    }
}
