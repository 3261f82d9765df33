//! A person's browser as far as HTTP goes: it keeps cookies, follows no redirect by itself, and says where its forms come from.

use reqwest::{Client, Method, header, redirect::Policy};

#[derive(Clone)]
pub struct Browser {
    client: Client,
    base: String,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub text: String,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Where a redirect leads.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    #[track_caller]
    pub fn shows(&self, words: &str) -> &Self {
        assert!(self.text.contains(words), "{words:?} is not on the page ({}):\n{}", self.status, self.text);
        self
    }

    #[track_caller]
    pub fn hides(&self, words: &str) -> &Self {
        assert!(!self.text.contains(words), "{words:?} is on the page ({}):\n{}", self.status, self.text);
        self
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Browser {
    pub fn new(base: &str) -> Self {
        // reqwest is built without a provider of its own; that one is there already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The server closes what was idle for five seconds, perhaps while a request is on its way to it.
        let idle = std::time::Duration::from_secs(2);
        let client = Client::builder().cookie_store(true).redirect(Policy::none()).no_proxy().pool_idle_timeout(idle);
        // It speaks http: reading the system's certificates would take longer than most tests.
        let client = client.tls_certs_only([]).build().expect("a client");
        Self { client, base: base.to_owned() }
    }

    /// The same browser, with its cookies, at another portal.
    pub fn at(&self, base: &str) -> Self {
        Self { client: self.client.clone(), base: base.to_owned() }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], "", "").await
    }

    /// Sends a form of this site.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.send(Method::POST, path, &[("origin", &self.base), ("sec-fetch-site", "same-origin")], FORM, &encode(form)).await
    }

    /// Sends a form of this site and looks at the page that it leads to.
    pub async fn post_and_follow(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        let reply = self.post(path, form).await;
        assert_eq!(reply.status, 303, "{path}: {}", reply.text);
        self.get(reply.location()).await
    }

    /// Sends a form of another site.
    pub async fn post_from_elsewhere(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.send(Method::POST, path, &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], FORM, &encode(form)).await
    }

    /// Sends a form of this site as `multipart/form-data`, with line ends as browsers send them, and a file in the field `file`.
    pub async fn upload(&self, path: &str, form: &[(&str, &str)], file: Option<&[u8]>) -> Reply {
        self.upload_in("file", path, form, file).await
    }

    /// As `upload`, with the file in a field of another name.
    pub async fn upload_in(&self, field: &str, path: &str, form: &[(&str, &str)], file: Option<&[u8]>) -> Reply {
        const BOUNDARY: &str = "----a-boundary-that-nobody-writes";
        let mut body = Vec::new();
        for (name, value) in form {
            let value = value.replace('\n', "\r\n");
            body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
        }
        // A browser sends the field also when nothing was chosen, with an empty name.
        let chosen = if file.is_some() { "described.json" } else { "" };
        let head =
            format!("Content-Disposition: form-data; name=\"{field}\"; filename=\"{chosen}\"\r\nContent-Type: application/octet-stream");
        body.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").into_bytes());
        body.extend(file.unwrap_or_default());
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.deliver(Method::POST, path, &[("origin", &self.base), ("sec-fetch-site", "same-origin")], &kind, body).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], kind: &str, body: &str) -> Reply {
        self.deliver(method, path, headers, kind, body.as_bytes().to_vec()).await
    }

    /// As `send`, with a body that need not be text.
    pub async fn send_bytes(&self, method: Method, path: &str, headers: &[(&str, &str)], kind: &str, body: Vec<u8>) -> Reply {
        self.deliver(method, path, headers, kind, body).await
    }

    async fn deliver(&self, method: Method, path: &str, headers: &[(&str, &str)], kind: &str, body: Vec<u8>) -> Reply {
        self.attempt(method, path, headers, kind, body).await.expect("an answer")
    }

    /// As `get`, where nobody may be listening.
    pub async fn try_get(&self, path: &str) -> Result<Reply, reqwest::Error> {
        self.attempt(Method::GET, path, &[], "", Vec::new()).await
    }

    /// As `post`, where nobody may be listening.
    pub async fn try_post(&self, path: &str, form: &[(&str, &str)]) -> Result<Reply, reqwest::Error> {
        self.attempt(Method::POST, path, &[("sec-fetch-site", "same-origin")], FORM, encode(form).into_bytes()).await
    }

    async fn attempt(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Reply, reqwest::Error> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !kind.is_empty() {
            request = request.header("content-type", kind).body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await?.to_vec();
        Ok(Reply { status, headers, text: String::from_utf8_lossy(&bytes).into_owned(), bytes })
    }
}

pub const FORM: &str = "application/x-www-form-urlencoded";

fn encode(form: &[(&str, &str)]) -> String {
    serde_html_form::to_string(form).expect("a form")
}
