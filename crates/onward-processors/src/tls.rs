//! Which cryptography TLS uses, chosen once for the whole process.

/// Makes `ring` the process's provider of cryptography; calling it again does nothing. Every HTTP
/// client of the binary is built after it, as the client library brings no provider of its own.
pub fn ready() {
    // The error says that a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
