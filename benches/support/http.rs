//! A browser as far as measuring needs one: a connection that is kept, a request as bytes, an answer read whole.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// What a browser of today says that it takes.
pub const BROWSER: &str = "gzip, deflate, br, zstd";
const FORM: &str = "application/x-www-form-urlencoded";
/// Longer than anything measured may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Servers close connections that were idle for longer: actix-web after five seconds.
const IDLE: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub head: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.head.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The cookies that it sets, as they are sent back.
    pub fn cookies(&self) -> String {
        let set = self.head.iter().filter(|(name, _)| name == "set-cookie");
        set.filter_map(|(_, value)| value.split(';').next()).collect::<Vec<_>>().join("; ")
    }
}

/// A GET as bytes. `encoding` is what the client takes, `cookies` who it is; both may be empty.
pub fn get(path: &str, encoding: &str, cookies: &str) -> Vec<u8> {
    head("GET", path, encoding, cookies, "").into_bytes()
}

/// A GET with these headers: lines, each with its end.
pub fn get_with(path: &str, headers: &str) -> Vec<u8> {
    head("GET", path, "", "", headers).into_bytes()
}

/// A form that a page of the site itself sends.
pub fn post(path: &str, cookies: &str, form: &[(&str, &str)]) -> Vec<u8> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let more = format!("content-type: {FORM}\r\ncontent-length: {}\r\nsec-fetch-site: same-origin\r\n", body.len());
    [head("POST", path, "", cookies, &more).into_bytes(), body.into_bytes()].concat()
}

fn head(method: &str, path: &str, encoding: &str, cookies: &str, more: &str) -> String {
    let line = |name: &str, value: &str| if value.is_empty() { String::new() } else { format!("{name}: {value}\r\n") };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/html\r\nuser-agent: measuring\r\n{}{}{more}\r\n",
        line("accept-encoding", encoding),
        line("cookie", cookies)
    )
}

pub struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
    answered: Instant,
}

impl Connection {
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { address: address.to_owned(), answered: Instant::now(), stream: BufReader::with_capacity(64 * 1024, stream) })
    }

    /// Sends a request and reads the answer to its end.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        if self.answered.elapsed() > IDLE {
            *self = Self::open(&self.address)?;
        }
        let answer = self.exchange(request)?;
        self.answered = Instant::now();
        Ok(answer)
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.get_mut().write_all(request)?;
        let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| bad("not a status line"))?;
        let mut answer = Answer { status, ..Answer::default() };
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            answer.head.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if answer.header("transfer-encoding") == "chunked" {
            loop {
                let size = self.line()?;
                let size = usize::from_str_radix(size.trim(), 16).map_err(|_| bad("not a chunk"))?;
                self.take(size, &mut answer.body)?;
                self.line()?;
                if size == 0 {
                    return Ok(answer);
                }
            }
        }
        let length = answer.header("content-length").parse().unwrap_or(0);
        self.take(length, &mut answer.body)?;
        Ok(answer)
    }

    fn take(&mut self, size: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let at = into.len();
        into.resize(at + size, 0);
        self.stream.read_exact(&mut into[at..])
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
