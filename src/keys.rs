//! The portal's secret and what is derived from it: the cookie key, the cipher for subscription keys, the MACs to find things by.

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};

use crate::{error::Error, ids};

/// Keys for the portal's own use. `Debug` is left out on purpose: nothing here belongs in a log.
pub struct Keys {
    cookie: [u8; 64],
    cipher: XChaCha20Poly1305,
    mac: [u8; 32],
}

const NONCE_BYTES: usize = 24;

impl Keys {
    /// From the 32 secret bytes; each use has a key of its own, so that none says anything of another.
    pub fn new(secret: &[u8; 32]) -> Self {
        let mut cookie = [0; 64];
        cookie.copy_from_slice(&derive::<Hmac<Sha512>>(secret, b"portico session cookie"));
        let mut mac = [0; 32];
        mac.copy_from_slice(&derive::<Hmac<Sha256>>(secret, b"portico lookup"));
        let cipher = XChaCha20Poly1305::new_from_slice(&derive::<Hmac<Sha256>>(secret, b"portico subscription keys"))
            .unwrap_or_else(|_| unreachable!("32 bytes are the cipher's key length"));
        Self { cookie, cipher, mac }
    }

    /// The secret from base64 text.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn parse(text: &str) -> Result<[u8; 32], String> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| "is not base64".to_owned())?;
        let length = bytes.len();
        bytes.try_into().map_err(|_| format!("must be 32 bytes, base64-encoded; this is {length}"))
    }

    pub fn generate() -> String {
        let mut secret = [0; 32];
        ids::fill_random(&mut secret);
        STANDARD.encode(secret)
    }

    pub fn cookie(&self) -> &[u8; 64] {
        &self.cookie
    }

    /// A keyed hash to find a secret by, different for each `purpose`.
    pub fn lookup(&self, purpose: &str, value: &str) -> Vec<u8> {
        let mut mac = new_mac::<Hmac<Sha256>>(&self.mac);
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Whether two texts are the same, in a time that does not say where they differ.
    pub fn same(&self, one: &str, other: &str) -> bool {
        self.lookup("compare", one) == self.lookup("compare", other)
    }

    /// Encrypts, bound to `context` so that a value moved to another row does not decrypt.
    pub fn encrypt(&self, context: &str, value: &str) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_BYTES];
        ids::fill_random(&mut nonce);
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: value.as_bytes(), aad: context.as_bytes() })
            .map_err(|_| Error::internal("encryption failed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub fn decrypt(&self, context: &str, sealed: &[u8]) -> Result<String, Error> {
        let unreadable = || Error::internal("a stored key cannot be decrypted: PORTICO_SECRET_KEY is not the one it was stored with");
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(unreadable)?;
        let plain =
            self.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: context.as_bytes() }).map_err(|_| unreadable())?;
        String::from_utf8(plain).map_err(|_| unreadable())
    }
}

/// SHA-256, for secrets that are random enough to need no key.
pub fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

fn new_mac<M: Mac + KeyInit>(key: &[u8]) -> M {
    <M as KeyInit>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"))
}

fn derive<M: Mac + KeyInit>(secret: &[u8; 32], label: &[u8]) -> Vec<u8> {
    let mut mac = new_mac::<M>(secret);
    mac.update(label);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_decrypts_in_its_own_row_alone() {
        let keys = Keys::new(&[7; 32]);
        let sealed = keys.encrypt("subscription a primary", "secret").unwrap();
        assert_eq!(keys.decrypt("subscription a primary", &sealed).unwrap(), "secret");
        assert!(keys.decrypt("subscription b primary", &sealed).is_err());
        assert!(Keys::new(&[8; 32]).decrypt("subscription a primary", &sealed).is_err());
        assert!(keys.decrypt("subscription a primary", &sealed[..10]).is_err());
    }
}
