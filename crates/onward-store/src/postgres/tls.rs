//! TLS to the server: who it says it is must be signed by a root that is trusted, for the host that
//! was meant.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::OpenError;
use super::address::{Address, Tls};

/// The TLS side of every connection; it is not used where the address switches TLS off.
pub(super) fn connector(address: &Address) -> Result<MakeRustlsConnect, OpenError> {
    let roots = match &address.tls {
        Tls::Off => RootCertStore::empty(),
        Tls::VerifyFull(None) => of_this_machine(),
        Tls::VerifyFull(Some(path)) => {
            let unreadable = |reason: String| OpenError::RootCertificate { path: path.clone(), reason };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unreadable(String::from("it holds no certificate")));
            }
            roots
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// A certificate of the machine that cannot be read is no reason to trust none of the others.
fn of_this_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}
