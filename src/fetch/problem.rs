//! What can go wrong with a download, in words for the administrator. The words never say what is
//! or is not there inside the operator's network.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Why nothing was downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchProblem {
    /// Not an address, or one that is too long.
    NoAddress,
    /// Neither http nor https.
    Scheme,
    /// A name or password stands in the address.
    Credentials,
    /// It leads to an address that the policy does not allow.
    NotPublic,
    /// The name has no address.
    UnknownHost,
    /// No connection, or it broke.
    Unreachable,
    /// The certificate is not trusted, or there was no common protocol.
    Certificate,
    /// This system cannot make a secure connection at all: it has no certificates, say.
    NoTls,
    /// Answered with anything but 200.
    Status(u16),
    /// More redirects than this many.
    TooManyRedirects(usize),
    /// A redirect from https to http.
    Downgrade,
    /// Compressed although that was not asked for.
    Compressed,
    /// More than this many bytes.
    TooLarge(usize),
    /// Longer than this.
    TooSlow(Duration),
}

impl FetchProblem {
    /// Sorts the client's error by what caused it.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if error.is::<rustls::Error>() {
                return Self::Certificate;
            }
            cause = inside(error);
        }
        Self::Unreachable
    }
}

/// The next cause. TLS errors travel in I/O errors in I/O errors, whose `source` leaps over what
/// they hold.
fn inside<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}

impl fmt::Display for FetchProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress => f.write_str("Enter an address such as https://example.com/openapi.json."),
            Self::Scheme => f.write_str("The address must begin with https:// or http://."),
            Self::Credentials => f.write_str("The address holds a name or password; Portico downloads only what needs neither."),
            Self::NotPublic => f.write_str(
                "The address does not lead to the public internet. The setting PORTICO_IMPORT_URLS=private allows private addresses too.",
            ),
            Self::UnknownHost => f.write_str("No server of that name was found."),
            Self::Unreachable => f.write_str("The server could not be reached, or broke off."),
            Self::Certificate => f.write_str("The server's certificate is not trusted, so nothing was downloaded."),
            Self::NoTls => {
                f.write_str("This system cannot check certificates (are its CA certificates installed?), so https cannot be used.")
            }
            Self::Status(status) => write!(f, "The server answered {status} instead of 200."),
            Self::TooManyRedirects(most) => write!(f, "The server redirected more than {most} times."),
            Self::Downgrade => f.write_str("The server redirected from https to http, which is not followed."),
            Self::Compressed => f.write_str("The server sent a compressed file, which Portico does not unpack."),
            Self::TooLarge(most) if *most >= 1024 * 1024 => {
                write!(f, "The file is larger than {} MB.", most / 1024 / 1024)
            }
            Self::TooLarge(most) => write!(f, "The file is larger than {most} bytes."),
            Self::TooSlow(limit) => {
                write!(f, "The download took longer than {} seconds.", limit.as_secs_f32())
            }
        }
    }
}

impl Error for FetchProblem {}
