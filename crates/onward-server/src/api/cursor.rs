//! Cursors: opaque texts that say where the next page begins.
//!
//! A cursor is hex: four bytes of a digest, then the place. The digest covers the list it belongs
//! to, so a cursor that was typed, cut, changed or taken from another list is refused rather than
//! read as some other place. It keeps nothing secret and guards nothing.

use onward_core::hex::hex;
use onward_core::problem::Code;
use sha2::{Digest, Sha256};

use crate::problem::Failure;

/// Bytes of the digest in a cursor: enough to notice every slip.
const MARK_BYTES: usize = 4;
/// The longest cursor that is looked at: a creator's table and key, twice over.
const MAX_CURSOR_CHARS: usize = 8 << 10;

/// The cursor for a place in a list.
#[must_use]
pub fn write(list: &str, place: &str) -> String {
    let mut bytes = mark(list, place.as_bytes()).to_vec();
    bytes.extend_from_slice(place.as_bytes());
    hex(&bytes)
}

/// The place a cursor of this list names; none when no cursor was given.
///
/// # Errors
/// `invalid-cursor` for any other text.
pub fn read(list: &str, cursor: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(cursor) = cursor else { return Ok(None) };
    let place = unhex(cursor).filter(|bytes| bytes.len() >= MARK_BYTES).and_then(|bytes| {
        let (found, place) = bytes.split_at(MARK_BYTES);
        (found == mark(list, place)).then(|| String::from_utf8(place.to_vec()).ok())?
    });
    place.map(Some).ok_or_else(refused)
}

/// The same, with the place read as a number or an id.
///
/// # Errors
/// `invalid-cursor`.
pub fn read_as<T: std::str::FromStr>(list: &str, cursor: Option<&str>) -> Result<Option<T>, Failure> {
    let Some(place) = read(list, cursor)? else { return Ok(None) };
    place.parse().map(Some).map_err(|_| refused())
}

/// A page of what was found with one more asked for than the page holds, and the cursor of the next page if there
/// is one. `place` says where an item stands in its list.
pub fn page<T>(
    list: &str,
    mut found: Vec<T>,
    size: usize,
    place: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let more = found.len() > size;
    found.truncate(size);
    let next = found.last().filter(|_| more).map(|last| write(list, &place(last)));
    (found, next)
}

fn refused() -> Failure {
    Failure::new(
        Code::InvalidCursor,
        "Pass next_cursor on unchanged, or leave cursor out for the first page.",
    )
}

fn mark(list: &str, place: &[u8]) -> [u8; MARK_BYTES] {
    let digest =
        Sha256::new().chain_update("cursor/").chain_update(list).chain_update([0]).chain_update(place);
    let digest = digest.finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_CURSOR_CHARS || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_whole_and_only_to_its_own_list() {
        let cursor = write("rows", "228");
        assert_eq!(read_as::<u32>("rows", Some(&cursor)).expect("ours"), Some(228));
        assert_eq!(read("rows", None).expect("none"), None);
        for bad in
            ["", "zz", "00", "ffffffff", &cursor[2..], &cursor.replace('2', "3"), &format!("{cursor}30"), "é"]
        {
            assert_eq!(read("rows", Some(bad)).expect_err(bad).problem().code, Code::InvalidCursor);
        }
        assert!(read("jobs", Some(&cursor)).is_err());
    }

    #[test]
    fn a_page_names_the_next_one_only_when_there_is_one() {
        let cut = |found: &[u32]| page("rows", found.to_vec(), 2, u32::to_string);
        assert_eq!(cut(&[]), (vec![], None));
        assert_eq!(cut(&[1, 2]), (vec![1, 2], None));
        assert_eq!(cut(&[1, 2, 3]), (vec![1, 2], Some(write("rows", "2"))));
    }
}
