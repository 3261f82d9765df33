//! TLS by the server itself: certificate and key are read from files, once more at SIGHUP, and given to whoever connects after that.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// Where the two are kept, in PEM: the certificate first in its chain, and its private key (PKCS #8, PKCS #1 or SEC 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The certificate that is shown now.
#[derive(Debug)]
pub struct Identity {
    files: Files,
    shown: RwLock<Arc<CertifiedKey>>,
}

impl Identity {
    /// # Errors
    /// A sentence that says which file is wrong, and why.
    pub fn read(files: &Files) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self { files: files.clone(), shown: RwLock::new(Arc::new(load(files)?)) }))
    }

    /// Shows what is in the files by now. When they cannot be used, what was shown stays.
    ///
    /// # Errors
    /// As `read`.
    pub fn reload(&self) -> Result<(), String> {
        let fresh = Arc::new(load(&self.files)?);
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// TLS 1.2 and 1.3, and any certificate that `reload` brings.
    ///
    /// # Errors
    /// A sentence, when the library knows no such versions.
    pub fn config(self: &Arc<Self>) -> Result<ServerConfig, String> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
        Ok(builder.map_err(|error| error.to_string())?.with_no_client_auth().with_cert_resolver(self.clone()))
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn load(files: &Files) -> Result<CertifiedKey, String> {
    let unreadable =
        |setting: &str, path: &Path, why: &dyn std::fmt::Display| format!("{setting}: {} cannot be read: {why}", path.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable("PORTICO_TLS_CERT", &files.certificate, &error))?;
    if chain.is_empty() {
        return Err(format!("PORTICO_TLS_CERT: {} has no certificate in PEM", files.certificate.display()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unreadable("PORTICO_TLS_KEY", &files.key, &error))?;
    CertifiedKey::from_der(chain, key, &default_provider())
        .map_err(|error| format!("PORTICO_TLS_CERT and PORTICO_TLS_KEY cannot be used together: {error}"))
}
