//! The creators of the sample API: everything about one is derived from a hash of the handle.

use serde::Serialize;

/// What the sample API knows about a creator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Profile {
    handle: String,
    followers: u64,
    country: &'static str,
    platform: &'static str,
}

const COUNTRIES: [&str; 8] = ["DE", "US", "BR", "IN", "FR", "JP", "NG", "PL"];
const PLATFORMS: [&str; 3] = ["instagram", "tiktok", "youtube"];

/// The creator with this handle.
pub(super) fn of(handle: &str) -> Profile {
    Profile {
        handle: handle.to_owned(),
        followers: followers(handle),
        country: pick(&COUNTRIES, number_of(handle, "country")),
        platform: pick(&PLATFORMS, number_of(handle, "platform")),
    }
}

/// A number that depends on the handle and on what it is for (FNV-1a, 64 bit). The standard
/// library's hasher may change between compilers; a creator must not.
pub(super) fn number_of(handle: &str, what: &str) -> u64 {
    let bytes = what.bytes().chain(handle.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The low bits of FNV-1a follow the last letter too closely to be a good dice.
    hash ^ (hash >> 32)
}

/// About one in eight has fewer than 1,000 followers; the rest between 1,000 and 5 million, most of
/// them small, as creators are.
fn followers(handle: &str) -> u64 {
    let dice = number_of(handle, "followers");
    let size = match dice % 8 {
        0 => 1_000,
        1..=4 => 50_000,
        5 | 6 => 500_000,
        _ => 5_000_000,
    };
    let count = (dice >> 8) % size;
    if size == 1_000 { count } else { count.max(1_000) }
}

fn pick(from: &[&'static str], dice: u64) -> &'static str {
    let at = usize::try_from(dice % from.len() as u64).unwrap_or(0);
    from[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_creators_are_small_and_most_are_not() {
        let small = (0..1_000).filter(|n| followers(&format!("creator_{n}")) < 1_000).count();
        assert!((60..250).contains(&small), "{small} of 1,000 are below 1,000 followers");
    }

    #[test]
    fn all_countries_and_platforms_occur() {
        for (what, n) in [("country", 8), ("platform", 3)] {
            let seen: std::collections::BTreeSet<u64> =
                (0..200).map(|at| number_of(&format!("creator_{at}"), what) % n).collect();
            assert_eq!(seen.len() as u64, n);
        }
    }
}
