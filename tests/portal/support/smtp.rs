//! A mail server that lives in the test: it takes what it is sent, or refuses it as the test says.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// What arrived.
#[derive(Clone, Debug, Default)]
pub struct Delivered {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body as they travelled.
    pub raw: String,
    /// The line was encrypted.
    pub under_tls: bool,
    /// What the sender signed in with (RFC 4616).
    pub signed_in_with: Option<String>,
}

impl Delivered {
    pub fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.raw.split_once("\r\n\r\n")?;
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let start = format!("{}:", name.to_lowercase());
        unfolded.split("\r\n").find(|line| line.to_lowercase().starts_with(&start)).map(|line| line[start.len()..].trim().to_owned())
    }

    /// The plain text, with quoted-printable undone.
    pub fn text(&self) -> String {
        let part = self.raw.split("Content-Type: text/plain").nth(1).unwrap_or_default();
        let (head, body) = part.split_once("\r\n\r\n").unwrap_or_default();
        let body = body.split("\r\n--").next().unwrap_or_default();
        if head.to_lowercase().contains("base64") {
            use base64::Engine;
            let bytes = base64::engine::general_purpose::STANDARD.decode(body.replace(['\r', '\n'], "")).expect("base64");
            return String::from_utf8(bytes).expect("UTF-8");
        }
        if !head.to_lowercase().contains("quoted-printable") {
            return body.replace("\r\n", "\n");
        }
        let soft = body.replace("=\r\n", "");
        let mut bytes = Vec::new();
        let mut rest = soft.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'=' {
                let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).expect("ASCII"), 16).expect("hexadecimal"));
            } else if byte != b'\r' {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// The first address of the portal in the text that has a token.
    pub fn link(&self) -> String {
        let text = self.text();
        let at = text.find("http").unwrap_or_else(|| panic!("no address in {text}"));
        text[at..].split_whitespace().next().unwrap_or_default().to_owned()
    }
}

/// The answer to a mail, by the number of mails before it and its recipient: a reply line, or None to end the connection.
type Answer = dyn Fn(usize, &str) -> Option<&'static str> + Send + Sync;

pub const TAKEN: Option<&str> = Some("250 2.0.0 taken");

/// How the line to the server is encrypted.
#[derive(Clone)]
pub enum Tls {
    None,
    /// From the first byte.
    Implicit(TlsAcceptor),
    /// When the sender asks for it; what is said in the clear right after "go ahead".
    Asked(TlsAcceptor, &'static str),
}

#[derive(Clone)]
pub struct Smtp {
    pub url: String,
    tls: Tls,
    heard: Arc<Mutex<Vec<String>>>,
    delivered: Arc<Mutex<Vec<Delivered>>>,
    answer: Arc<Mutex<Arc<Answer>>>,
}

impl Smtp {
    pub async fn start() -> Self {
        Self::start_with(Tls::None).await
    }

    /// Whoever is to trust its certificate calls it localhost.
    pub async fn start_with(tls: Tls) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let smtp = Self {
            url: match tls {
                Tls::None => format!("smtp://{address}?tls=none"),
                Tls::Implicit(_) => format!("smtps://portal:s3cret@localhost:{}", address.port()),
                Tls::Asked(..) => format!("smtp://portal:s3cret@localhost:{}", address.port()),
            },
            tls,
            heard: Arc::default(),
            delivered: Arc::default(),
            answer: Arc::new(Mutex::new(Arc::new(|_, _| TAKEN))),
        };
        let server = smtp.clone();
        tokio::spawn(async move {
            let mut tried = 0;
            while let Ok((stream, _)) = listener.accept().await {
                // One connection after the other, as the portal sends.
                let _ = server.serve(stream, &mut tried).await;
            }
        });
        smtp
    }

    /// Everything that was said to it in the clear.
    pub fn heard_in_the_clear(&self) -> Vec<String> {
        self.heard.lock().expect("a lock").clone()
    }

    /// From now on mails are answered like this.
    pub fn answers(&self, answer: impl Fn(usize, &str) -> Option<&'static str> + Send + Sync + 'static) {
        *self.answer.lock().expect("a lock") = Arc::new(answer);
    }

    pub fn delivered(&self) -> Vec<Delivered> {
        self.delivered.lock().expect("a lock").clone()
    }

    /// What was delivered to an address.
    pub fn to(&self, address: &str) -> Vec<Delivered> {
        self.delivered().into_iter().filter(|mail| mail.to.iter().any(|to| to == address)).collect()
    }

    /// The newest mail to an address.
    pub fn newest(&self, address: &str) -> Delivered {
        self.to(address).pop().unwrap_or_else(|| panic!("no mail came to {address}"))
    }

    async fn serve(&self, mut stream: TcpStream, tried: &mut usize) -> std::io::Result<()> {
        match &self.tls {
            Tls::None => self.talk(&mut stream, true, false, tried).await.map(drop),
            Tls::Implicit(acceptor) => self.talk(&mut acceptor.accept(stream).await?, true, true, tried).await.map(drop),
            Tls::Asked(acceptor, _) => {
                if self.talk(&mut stream, true, false, tried).await? {
                    self.talk(&mut acceptor.accept(stream).await?, false, true, tried).await?;
                }
                Ok(())
            }
        }
    }

    /// Whether the sender asked for TLS; otherwise it is over.
    async fn talk<S>(&self, stream: &mut S, greets: bool, under_tls: bool, tried: &mut usize) -> std::io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (read, mut write) = tokio::io::split(stream);
        let mut lines = BufReader::new(read).lines();
        if greets {
            write.write_all(b"220 test ready\r\n").await?;
        }
        let mut mail = Delivered::default();
        let mut signed_in_with = None;
        while let Some(line) = lines.next_line().await? {
            if !under_tls {
                self.heard.lock().expect("a lock").push(line.clone());
            }
            let command = line.to_ascii_uppercase();
            let reply = if command.starts_with("EHLO") {
                match self.tls {
                    Tls::Asked(..) if !under_tls => "250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN".to_owned(),
                    _ if under_tls => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned(),
                    _ => "250-test\r\n250 8BITMIME".to_owned(),
                }
            } else if command == "STARTTLS"
                && let Tls::Asked(_, more) = self.tls
            {
                write.write_all(format!("220 go ahead\r\n{more}").as_bytes()).await?;
                return Ok(true);
            } else if let Some(secret) = line.strip_prefix("AUTH PLAIN ") {
                signed_in_with = Some(plain(secret));
                "235 welcome".to_owned()
            } else if command.starts_with("MAIL FROM:") {
                mail = Delivered { from: inside(&line), under_tls, signed_in_with: signed_in_with.clone(), ..Delivered::default() };
                "250 ok".to_owned()
            } else if command.starts_with("RCPT TO:") {
                mail.to.push(inside(&line));
                "250 ok".to_owned()
            } else if command == "DATA" {
                write.write_all(b"354 go on\r\n").await?;
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    mail.raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.raw.push_str("\r\n");
                }
                let answer = self.answer.lock().expect("a lock").clone();
                let before = *tried;
                *tried += 1;
                let Some(reply) = answer(before, mail.to.first().map_or("", String::as_str)) else { return Ok(false) };
                if reply.starts_with('2') {
                    self.delivered.lock().expect("a lock").push(mail.clone());
                }
                reply.to_owned()
            } else if command == "QUIT" {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(false);
            } else {
                "250 ok".to_owned()
            };
            write.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
        Ok(false)
    }
}

/// `\0USER\0PASSWORD` in base64, told as `USER:PASSWORD`.
fn plain(secret: &str) -> String {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(secret).expect("base64");
    String::from_utf8(bytes).expect("UTF-8").trim_start_matches('\0').replace('\0', ":")
}

fn inside(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
