//! The line to the mail server: one connection at a time, of which no more is believed than a mail server has to say.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use lettre::{
    Message,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters},
        extension::ClientId,
    },
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Mutex,
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    config::{Smtp, SmtpTls},
    error::Error,
};

/// Longest wait for the server to take one mail, from the first word to the last.
pub const LONGEST: Duration = Duration::from_secs(60);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(20);
/// A connection that was not used for this long is not used again: servers end such without a word.
const IDLE: Duration = Duration::from_secs(20);
/// Longest wait for a server to answer that we go.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes that the server may say to one thing that is said to it. Answers are a few thousand at most; SMTP itself has no line longer than
/// 512 (RFC 5321, section 4.5.3.1.5), but the client reads a line to its end before it looks at its length, and an answer of many lines
/// from its beginning at each of them.
const MOST_SAID: usize = 16 * 1024;

/// What asks for the line to be encrypted (RFC 3207, section 4).
const STARTTLS: &[u8] = b"STARTTLS\r\n";

/// A stream that ends when its server talks on and on, or says in the clear what would be taken for the first words under TLS.
struct Bounded<S> {
    stream: S,
    said: usize,
    starts_tls: bool,
}

impl<S> Bounded<S> {
    fn new(stream: S) -> Self {
        Self { stream, said: 0, starts_tls: false }
    }
}

impl<S> fmt::Debug for Bounded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").field("said", &self.said).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let new = &buffer.filled()[before..];
        self.said += new.len();
        if self.said > MOST_SAID {
            return Poll::Ready(Err(io::Error::other("the server says more than a mail server has to say")));
        }
        // The client keeps what it has read, and somebody between the two could so answer for the server.
        if self.starts_tls && new.iter().position(|byte| *byte == b'\n').is_some_and(|end| end + 1 < new.len()) {
            return Poll::Ready(Err(io::Error::other("the server goes on in the clear after STARTTLS")));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.said = 0;
        self.starts_tls = bytes == STARTTLS;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Bounded<TcpStream> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncTokioStream for Bounded<TlsStream<TcpStream>> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().0.peer_addr()
    }
}

struct Open {
    connection: AsyncSmtpConnection,
    used: Instant,
}

/// Why a mail could not be handed over.
pub(super) enum Trouble {
    /// The server could not be reached, or would not have us.
    Away(String),
    /// What it said of the mail.
    Said(SmtpError),
}

impl Trouble {
    fn away(error: impl fmt::Display) -> Self {
        Self::Away(error.to_string())
    }

    fn of(error: &SmtpError) -> Self {
        Self::Away(super::send::one_line(error))
    }
}

pub(super) struct Line {
    smtp: Smtp,
    tls: Option<(TlsParameters, TlsConnector)>,
    open: Mutex<Option<Open>>,
}

impl Line {
    pub fn new(smtp: &Smtp) -> Result<Self, Error> {
        let tls = match smtp.tls {
            SmtpTls::None => None,
            SmtpTls::Implicit | SmtpTls::StartTls => Some((TlsParameters::new(smtp.host.clone()).map_err(Error::internal)?, connector()?)),
        };
        Ok(Self { smtp: smtp.clone(), tls, open: Mutex::default() })
    }

    /// Hands a mail over, on the connection that is open or on a new one. One mail at a time, and no longer than `LONGEST`.
    pub async fn send(&self, message: &Message) -> Result<(), Trouble> {
        match timeout(LONGEST, self.hand_over(message)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Trouble::Away(format!("the server took longer than {} seconds", LONGEST.as_secs()))),
        }
    }

    async fn hand_over(&self, message: &Message) -> Result<(), Trouble> {
        let mut place = self.open.lock().await;
        // Whatever goes wrong, and also when this is given up half-way, the connection is not used again.
        let kept = place.take().filter(|open| open.used.elapsed() < IDLE);
        let mut connection = match kept {
            Some(mut open) => match open.connection.test_connected().await {
                true => open.connection,
                false => self.connect().await?,
            },
            None => self.connect().await?,
        };
        match connection.send(message.envelope(), &message.formatted()).await {
            Ok(_) => {
                *place = Some(Open { connection, used: Instant::now() });
                Ok(())
            }
            Err(error) => {
                // The client has taken leave of it.
                Err(Trouble::Said(error))
            }
        }
    }

    /// Takes leave of a server that is not needed for now: others may wait until it is free.
    pub async fn rest(&self) {
        if let Ok(mut place) = self.open.try_lock()
            && let Some(mut open) = place.take()
        {
            let _ = timeout(FAREWELL, open.connection.quit()).await;
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let Smtp { host, port, credentials, .. } = &self.smtp;
        let tcp = match timeout(CONNECT, TcpStream::connect((host.as_str(), *port))).await {
            Ok(connected) => connected.map_err(|error| Trouble::Away(format!("{host}:{port}: {error}")))?,
            Err(_) => return Err(Trouble::Away(format!("{host}:{port} did not answer for {} seconds", CONNECT.as_secs()))),
        };
        let hello = ClientId::default();
        let mut connection = match (&self.tls, self.smtp.tls) {
            (Some((_, connector)), SmtpTls::Implicit) => {
                let name = ServerName::try_from(host.clone()).map_err(Trouble::away)?;
                let stream = connector.connect(name, tcp).await.map_err(Trouble::away)?;
                AsyncSmtpConnection::connect_with_transport(Box::new(Bounded::new(stream)), &hello).await
            }
            _ => AsyncSmtpConnection::connect_with_transport(Box::new(Bounded::new(tcp)), &hello).await,
        }
        .map_err(|error| Trouble::of(&error))?;
        if let (Some((parameters, _)), SmtpTls::StartTls) = (&self.tls, self.smtp.tls) {
            if !connection.can_starttls() {
                return Err(Trouble::away("the server offers no STARTTLS, and nothing is sent to it in the clear"));
            }
            connection.starttls(parameters.clone(), &hello).await.map_err(|error| Trouble::of(&error))?;
        }
        if let Some((user, password)) = credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|error| Trouble::of(&error))?;
        }
        Ok(connection)
    }
}

/// Certificates are checked as the system does.
fn connector() -> Result<TlsConnector, Error> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(Error::internal)?;
    let config = builder.with_platform_verifier().map_err(Error::internal)?.with_no_client_auth();
    Ok(TlsConnector::from(std::sync::Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A server that says `first` and then, for ever, `again`, with so long between; how many bytes it could say.
    async fn server(first: &'static str, again: &'static [u8], every: Duration) -> (Line, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let said = Arc::<AtomicUsize>::default();
        let count = said.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if stream.write_all(first.as_bytes()).await.is_err() || (first.ends_with('\n') && stream.read_u8().await.is_err()) {
                    continue;
                }
                while stream.write_all(again).await.is_ok() {
                    count.fetch_add(again.len(), Relaxed);
                    if !every.is_zero() {
                        tokio::time::sleep(every).await;
                    }
                }
            }
        });
        let smtp = Smtp { host: "127.0.0.1".to_owned(), port, tls: SmtpTls::None, credentials: None };
        (Line::new(&smtp).expect("a line"), said)
    }

    fn message() -> Message {
        let builder = Message::builder().from("a@portal.example".parse().expect("an address"));
        builder.to("b@portal.example".parse().expect("an address")).subject("x").body(String::new()).expect("a message")
    }

    fn words(trouble: Trouble) -> String {
        match trouble {
            Trouble::Away(words) => words,
            Trouble::Said(error) => format!("said of the mail: {}", super::super::send::one_line(&error)),
        }
    }

    #[tokio::test]
    async fn a_server_that_talks_on_and_on_is_left() {
        const MUCH: &[u8] = &[b'2'; 64 * 1024];
        for (first, again) in
            [("220 ", MUCH), ("220 ready\r\n250-", MUCH), ("220 ready\r\n", b"250-SIZE 10\r\n" as &[u8]), ("", b"220-x\r\n")]
        {
            let (line, said) = server(first, again, Duration::ZERO).await;
            let problem = words(line.send(&message()).await.expect_err("a problem"));
            assert!(problem.contains("says more than") || problem.contains("too l"), "{first:?}: {problem}");
            assert!(!problem.contains("said of the mail"), "{problem}");
            // What the system took on both sides of the line is not read.
            assert!(said.load(Relaxed) < 32 * 1024 * 1024, "{first:?}: {said:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_ends_a_line_is_left_in_time() {
        for first in ["220 ", "220 ready\r\n250-"] {
            let (line, _) = server(first, b"x", Duration::from_secs(1)).await;
            let began = Instant::now();
            let problem = words(line.send(&message()).await.expect_err("a problem"));
            assert_eq!(problem, "the server took longer than 60 seconds");
            assert_eq!(began.elapsed().as_secs(), 60);
            // Nothing of it is left in the way of the next mail.
            assert!(line.open.try_lock().is_ok_and(|open| open.is_none()));
        }
    }
}
