//! What identifies a row: keys are compared after normalising, so that `@Anna`, ` anna ` and
//! `https://www.instagram.com/anna/` are one creator.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Stands between the parts of a key of several fields.
pub const SEPARATOR: char = '\u{1f}';
/// A longer key is refused: it is a pasted text, not an identity.
pub const MAX_KEY_CHARS: usize = 512;
/// Values that stand for "nothing here", compared without regard to case.
pub const EMPTY_WORDS: [&str; 8] = ["", "null", "none", "nil", "n/a", "#n/a", "#ref!", "-"];

/// Hosts whose profile pages are written instead of handles.
const PROFILE_HOSTS: [&str; 9] = [
    "instagram.com",
    "tiktok.com",
    "twitch.tv",
    "twitter.com",
    "x.com",
    "youtube.com",
    "threads.net",
    "facebook.com",
    "kick.com",
];

/// Path parts of profile URLs that stand before the handle.
const PROFILE_PREFIXES: [&str; 3] = ["channel", "c", "user"];

/// A handle as the target knows it: without blanks, `@` and the address around it, case kept.
#[must_use]
pub fn clean_handle(raw: &str) -> String {
    let text = composed(raw.trim_matches(is_blank));
    let text = handle_of_url(&text).unwrap_or(&text);
    text.strip_prefix('@').unwrap_or(text).trim_matches(is_blank).to_owned()
}

/// The identity of a value: Unicode NFC, blanks around it gone, case folded.
#[must_use]
pub fn fold(value: &str) -> String {
    let value = value.trim_matches(is_blank);
    if value.is_ascii() {
        return value.to_ascii_lowercase();
    }
    value.nfc().flat_map(char::to_lowercase).collect()
}

/// Unicode NFC. ASCII, which most handles are, has only that form.
fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// Whether a key value stands for nothing.
#[must_use]
pub fn is_empty(value: &str) -> bool {
    let value = value.trim_matches(is_blank);
    EMPTY_WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// First path parts of addresses on those hosts that are no profile; such an address stays whole.
const OTHER_PAGES: [&str; 14] = [
    "feeds", "watch", "playlist", "shorts", "live", "results", "hashtag", "p", "reel", "explore", "video",
    "videos", "i", "share",
];

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

fn handle_of_url(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let (host, path) = rest.split_once('/')?;
    let host = host.to_ascii_lowercase();
    let known = PROFILE_HOSTS.iter().any(|known| {
        host.strip_suffix(known).is_some_and(|sub| sub.is_empty() || matches!(sub, "www." | "m." | "mobile."))
    });
    if !known {
        return None;
    }
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = parts.next().filter(|part| !OTHER_PAGES.contains(part))?;
    if PROFILE_PREFIXES.contains(&first) { parts.next() } else { Some(first) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_lose_what_people_paste_around_them() {
        for raw in [
            "Anna.Lee",
            "@Anna.Lee",
            "  @Anna.Lee\u{a0}",
            "https://www.instagram.com/Anna.Lee/",
            "instagram.com/Anna.Lee?igsh=1",
            "https://www.tiktok.com/@Anna.Lee#top",
            "http://m.youtube.com/c/Anna.Lee/videos",
            "\u{feff}Anna.Lee\u{200b}",
        ] {
            assert_eq!(clean_handle(raw), "Anna.Lee", "{raw:?}");
        }
        assert_eq!(clean_handle("https://example.com/feed/"), "https://example.com/feed/");
        assert_eq!(clean_handle("https://youtube.com/channel/UCabcDEF"), "UCabcDEF");
        let feed = "https://www.youtube.com/feeds/videos.xml?channel_id=UCabc";
        assert_eq!(clean_handle(feed), feed, "a page that is no profile names nobody");
    }

    #[test]
    fn keys_fold_case_and_unicode_forms() {
        assert_eq!(fold(" Ångström "), fold("A\u{30a}NGSTRÖM"));
        assert_ne!(fold("раураl"), fold("paypal"), "look-alikes are not merged");
        assert!(is_empty(" N/A ") && is_empty("") && !is_empty("anna"));
    }
}
