//! A root certificate of a test's own, and a server's certificate signed by it: what a database has
//! whose root no machine trusts by itself.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// A key of a kind every server takes, without a pass phrase.
const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// Files with certificates and a key. Deleted when dropped.
#[derive(Debug)]
pub struct Certificates {
    dir: TempDir,
}

impl Certificates {
    /// A new root, and a certificate for a server of this name or address.
    ///
    /// # Errors
    /// When `openssl` is not installed; with what it said.
    pub fn of(host: &str) -> Result<Self> {
        let made = Self { dir: TempDir::with_prefix("onward-tls-")? };
        let kind = if host.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
        std::fs::write(made.file("names"), format!("subjectAltName = {kind}:{host}\n"))?;
        let root = ["req", "-x509", "-days", "2", "-subj", "/CN=a root of a test", "-out", "root.crt"];
        made.openssl(&[&root[..], &["-keyout", "root.key"], &NEW_KEY].concat())?;
        let subject = format!("/CN={host}");
        let request = ["req", "-subj", &subject, "-out", "server.csr", "-keyout", "server.key"];
        made.openssl(&[&request[..], &NEW_KEY].concat())?;
        let signed = ["x509", "-req", "-days", "2", "-in", "server.csr", "-out", "server.crt"];
        let by = ["-CA", "root.crt", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "names"];
        made.openssl(&[&signed[..], &by].concat())?;
        Ok(made)
    }

    /// The root: what a client is told to trust.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.file("root.crt")
    }

    /// The server's certificate.
    #[must_use]
    pub fn server(&self) -> PathBuf {
        self.file("server.crt")
    }

    /// The server's key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.file("server.key")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn openssl(&self, words: &[&str]) -> Result<()> {
        let mut openssl = Command::new("openssl");
        let done = openssl.args(words).current_dir(self.dir.path()).output();
        let done = done.context("openssl cannot be started; `cargo xtask setup` installs it")?;
        ensure!(done.status.success(), "openssl {words:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }
}
