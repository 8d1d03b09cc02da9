//! The signature of Standard Webhooks: `v1,` and HMAC-SHA256 over `id.timestamp.body`, in base64.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What begins a secret, so that it is known for one wherever it turns up.
const PREFIX: &str = "whsec_";
/// The lengths that the specification allows for the bytes of a secret.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The bytes of a secret. Never shown.
pub(super) struct Key(Vec<u8>);

impl Key {
    /// Reads a secret; the error goes on after its name, and does not repeat it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let advice = "make one with: echo whsec_$(openssl rand -base64 32)";
        let Some(encoded) = text.strip_prefix(PREFIX) else {
            return Err(format!("does not begin with {PREFIX}, as secrets of webhooks do; {advice}"));
        };
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| format!("is not base64 (A-Z, a-z, 0-9, +, / and =) after {PREFIX}; {advice}"))?;
        if BYTES.contains(&bytes.len()) {
            return Ok(Self(bytes));
        }
        let (found, least, most) = (bytes.len(), BYTES.start(), BYTES.end());
        Err(format!("has {found} bytes; a secret has {least} to {most}: {advice}"))
    }

    fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// The header: a signature of each key, with spaces between. A receiver needs one that it can verify.
pub(super) fn signatures(keys: &[Key], id: &str, seconds: i64, body: &[u8]) -> String {
    keys.iter().map(|key| key.sign(id, seconds, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the specification and all of its libraries are tested with.
    #[test]
    fn the_example_of_the_specification_is_signed_alike() {
        let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, seconds) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let signed = signatures(&[key], id, seconds, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_give_two_signatures() {
        let keys = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];
        let keys: Vec<Key> = keys.iter().map(|text| Key::parse(text).unwrap()).collect();
        let both = signatures(&keys, "msg_a", 1, b"{}");
        let [first, second] = both.split(' ').collect::<Vec<_>>()[..] else { panic!("{both}") };
        assert_eq!(first, signatures(&keys[..1], "msg_a", 1, b"{}"));
        assert_eq!(second, signatures(&keys[1..], "msg_a", 1, b"{}"));
        assert_ne!(first, second);
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_repeated() {
        let long = format!("whsec_{}", "YWFh".repeat(22));
        for (text, said) in [
            ("c2VjcmV0LWNhbmFyeQ==", "does not begin with whsec_"),
            ("whsec_not-base64-canary", "is not base64"),
            ("whsec_Y2FuYXJ5", "has 6 bytes"),
            (long.as_str(), "has 66 bytes"),
        ] {
            let why = Key::parse(text).unwrap_err();
            assert!(why.contains(said) && why.contains("openssl"), "{why}");
            assert!(!why.contains(text) && !why.contains("canary"), "{why}");
        }
        assert_eq!(format!("{:?}", Key(vec![1])), "Key");
    }
}
