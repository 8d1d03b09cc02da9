//! What the server gives to the work: secrets, and where calls may go.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use onward_core::problem::Code;
use onward_core::processor::CannotStart;

use crate::command::{Commands, Guard};
use crate::outbound::Outbound;

/// Secrets come from environment variables that begin with this.
pub const SECRET_PREFIX: &str = "ONWARD_SECRET_";
/// What stands in a message instead of a secret.
const HIDDEN: &str = "(secret)";
/// Stands where a secret is not set and nothing is sent. It has the form of the key of a hook, the only secret whose
/// form is looked at.
const STAND_IN: &str = "whsec_c3RhbmRzIGluIGZvciBhIHNlY3JldCB0aGF0IGlzIG5vdCBzZXQ=";
/// A shorter secret is not looked for in messages: it would be found everywhere. In bytes.
const MIN_HIDDEN: usize = 4;

/// What the server gives to the work.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Secrets by name.
    pub secrets: Secrets,
    /// Where calls may go.
    pub outbound: Outbound,
    /// Which programs may be run.
    pub commands: Commands,
    /// Ends the programs should this process be killed.
    pub guard: Guard,
    /// Where others reach the dashboard, such as `https://onward.example.org`, for links in what they are told;
    /// paths alone when it is not known.
    pub public_url: Option<String>,
}

/// Secrets by name, without [`SECRET_PREFIX`]. Never stored, never shown, not even by `Debug`.
#[derive(Clone, Default)]
pub struct Secrets {
    known: Arc<BTreeMap<String, String>>,
    stood_in: Option<Arc<Mutex<BTreeSet<String>>>>,
}

impl Secrets {
    /// Those of this process's environment.
    #[must_use]
    pub fn from_env() -> Self {
        let known = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix(SECRET_PREFIX)?.to_owned();
            Some((name, value.into_string().ok()?))
        });
        Self { known: Arc::new(known.collect()), stood_in: None }
    }

    /// These.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let known = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { known: Arc::new(known), stood_in: None }
    }

    /// The same for looking at a recipe without running it: a stand-in takes the place of each secret that is not set.
    #[must_use]
    pub fn with_stand_ins(self) -> Self {
        Self { stood_in: Some(Arc::default()), ..self }
    }

    /// The names of the secrets that were asked for and are not set, where stand-ins took their places.
    #[must_use]
    pub fn stood_in(&self) -> Vec<String> {
        let names = self.stood_in.as_ref().map(|names| names.lock().unwrap_or_else(PoisonError::into_inner));
        names.map(|names| names.iter().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let known = self.known.get(name).map(String::as_str);
        let (None, Some(names)) = (known, &self.stood_in) else { return known };
        names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Some(STAND_IN)
    }

    /// The text without any secret that a target may have echoed.
    pub(crate) fn hide(&self, text: String) -> String {
        let hidden = self.known.values().filter(|secret| secret.len() >= MIN_HIDDEN);
        hidden.fold(text, |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), HIDDEN) } else { text }
        })
    }
}

/// The recipe uses a secret that is not set.
pub(crate) fn missing_secret(name: &str) -> CannotStart {
    let message = format!(
        "the recipe uses `secret.{name}`, which is not set; set {SECRET_PREFIX}{name} where the server runs \
         and start it again"
    );
    CannotStart { code: Code::SecretMissing, message }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_shown() {
        let secrets = Secrets::from_pairs([("KEY", "canary-123"), ("SHORT", "a")]);
        let settings = Settings { secrets: secrets.clone(), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("canary"));
        assert_eq!(secrets.get("OTHER"), None);
        let looked_at = secrets.clone().with_stand_ins();
        assert_eq!((looked_at.get("KEY"), looked_at.get("OTHER")), (Some("canary-123"), Some(STAND_IN)));
        assert_eq!((looked_at.stood_in(), secrets.stood_in()), (vec!["OTHER".to_owned()], Vec::new()));
        assert_eq!(secrets.hide("bad token canary-123, a".to_owned()), "bad token (secret), a");
    }
}
