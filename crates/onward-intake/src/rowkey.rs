//! The identity of a row: its key fields, cleaned the way the kind of work asks for.
//!
//! Creators are compared as handles, so `@Anna` and `https://www.instagram.com/anna/` are one. For
//! other work, and for creators known by an address that is no profile page, values are compared as
//! they are written: paths in addresses tell `A` from `a`, and a row is only skipped as a repeat when
//! it surely is one.

use onward_core::key;
use onward_core::recipe::WorkKind;
use onward_core::row::{Outcome, Verdict};

use crate::fields::Fields;

/// Schemes that no identity begins with, but an attack on whoever opens it as a link does.
const REFUSED_SCHEMES: [&str; 3] = ["javascript:", "vbscript:", "data:text/"];

/// Makes keys of rows.
pub(crate) struct RowKey {
    parts: Vec<(String, usize)>,
    kind: WorkKind,
    key: String,
}

impl RowKey {
    /// Key fields, as names and positions.
    pub(crate) fn new(parts: Vec<(String, usize)>, kind: WorkKind) -> Self {
        Self { parts, kind, key: String::new() }
    }

    /// Whether rows have a key at all.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The key last made; empty when there was none or it was refused.
    pub(crate) fn get(&self) -> &str {
        &self.key
    }

    /// Forgets the key last made.
    pub(crate) fn clear(&mut self) {
        self.key.clear();
    }

    /// Makes the key of a row, or says why the row cannot have one.
    pub(crate) fn make(&mut self, fields: &Fields) -> Option<Verdict> {
        self.key.clear();
        for (at, (name, position)) in self.parts.iter().enumerate() {
            if at > 0 {
                self.key.push(key::SEPARATOR);
            }
            let refused = append_part(self.kind, name, fields.get(*position), &mut self.key);
            if refused.is_some() {
                self.key.clear();
                return refused;
            }
        }
        None
    }
}

/// The verdict for a row whose key field holds nothing.
pub(crate) fn empty_key(name: &str) -> Verdict {
    Verdict::new(Outcome::Skipped, "empty-key", format!("the key field `{name}` is empty"))
}

fn append_part(kind: WorkKind, name: &str, raw: &str, key: &mut String) -> Option<Verdict> {
    if key::is_empty(raw) {
        return Some(empty_key(name));
    }
    let begins = |scheme: &&str| {
        let start = raw.trim_start().get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if REFUSED_SCHEMES.iter().any(begins) {
        return Some(invalid(format!("the key field `{name}` holds a script, not an identity")));
    }
    if raw.contains(key::SEPARATOR) {
        return Some(invalid(format!("the key field `{name}` holds the control character 0x1F")));
    }
    let start = key.len();
    match kind {
        WorkKind::Creators => append_handle(raw, key),
        WorkKind::Http | WorkKind::Command => key.push_str(raw),
    }
    let part = &key[start..];
    if part.is_empty() {
        return Some(empty_key(name));
    }
    if part.len() > key::MAX_KEY_CHARS && part.chars().count() > key::MAX_KEY_CHARS {
        let (have, most) = (part.chars().count(), key::MAX_KEY_CHARS);
        return Some(invalid(format!("the key field `{name}` has {have} characters; {most} are allowed")));
    }
    None
}

/// Appends a handle as it is compared. Nearly all are plain ASCII and need no Unicode tables.
fn append_handle(raw: &str, key: &mut String) {
    if raw.is_ascii() && !raw.contains('/') {
        let text = raw.trim();
        let start = key.len();
        key.push_str(text.strip_prefix('@').unwrap_or(text).trim());
        key[start..].make_ascii_lowercase();
        return;
    }
    let cleaned = key::clean_handle(raw);
    if cleaned.contains("://") {
        key.push_str(raw);
    } else {
        key.push_str(&key::fold(&cleaned));
    }
}

fn invalid(message: String) -> Verdict {
    Verdict::new(Outcome::Failed, "invalid-key", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_short_way_for_ascii_handles_gives_what_the_long_way_gives(raw in "[ -.0-~\t]{0,12}") {
            let mut key = String::new();
            append_handle(&raw, &mut key);
            prop_assert_eq!(key, key::fold(&key::clean_handle(&raw)));
        }
    }

    #[test]
    fn addresses_that_are_no_profile_are_compared_as_written() {
        let mut key = String::new();
        append_handle("https://Example.com/Feed", &mut key);
        assert_eq!(key, "https://Example.com/Feed");
    }
}
