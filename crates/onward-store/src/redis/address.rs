//! The address of a Redis: `redis://HOST:PORT/0`, or `rediss://…?sslrootcert=FILE` for TLS.

use std::path::PathBuf;

use redis::{Client, TlsCertificates};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::percent::decoded;

/// Why an address of Redis cannot be used. Neither variant holds a password.
#[derive(Debug, thiserror::Error)]
pub enum BadAddress {
    /// It is none.
    #[error("the address of Redis cannot be used ({0}); write redis://HOST:PORT/0, or rediss:// for TLS")]
    Unreadable(String),
    /// The file of root certificates cannot be read.
    #[error(
        "the root certificate {path} of Redis cannot be used: {reason}; sslrootcert= names a file in PEM form"
    )]
    RootCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A client of the Redis at an address. With TLS the server must prove with its certificate that it is
/// the host that was meant: signed by a root in the file, or by one this machine trusts.
pub(super) fn client(url: &str) -> Result<Client, BadAddress> {
    // The error says that a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (url, root) = split(url);
    let client = match root {
        None => Client::open(url),
        Some(root) => {
            let root_cert = Some(read(root)?);
            Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert })
        }
    };
    client.map_err(|error| BadAddress::Unreadable(error.category().to_owned()))
}

/// The address without what is ours, and the file of root certificates if it names one.
fn split(url: &str) -> (String, Option<PathBuf>) {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut root = None;
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.strip_prefix("sslrootcert=") {
            Some(path) => root = Some(PathBuf::from(decoded(path))),
            None => rest.push(pair),
        }
    }
    let rest = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    (format!("{base}{rest}"), root)
}

fn read(path: PathBuf) -> Result<Vec<u8>, BadAddress> {
    let unusable = |reason: String| BadAddress::RootCertificate { path: path.clone(), reason };
    let pem = std::fs::read(&path).map_err(|error| unusable(error.to_string()))?;
    let mut certificates = CertificateDer::pem_slice_iter(&pem);
    match certificates.next() {
        Some(Ok(_)) => Ok(pem),
        Some(Err(error)) => Err(unusable(error.to_string())),
        None => Err(unusable(String::from("it holds no certificate"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_certificate_is_ours_and_the_rest_is_the_clients() {
        let (url, root) = split("rediss://:pw@host:6380/0?protocol=resp3&sslrootcert=%2Fetc/ca%20one.crt");
        assert_eq!(url, "rediss://:pw@host:6380/0?protocol=resp3");
        assert_eq!(root, Some(PathBuf::from("/etc/ca one.crt")));
        assert_eq!(split("redis://host/0"), (String::from("redis://host/0"), None));
    }

    #[test]
    fn what_cannot_be_used_is_said_without_the_password() {
        for url in ["redis//:secret@host", "http://:secret@host", "rediss://:secret@host?sslrootcert=/none"] {
            let error = client(url).expect_err(url).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
