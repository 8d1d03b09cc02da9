//! The body of an answer, within bounds: unpacked where it came packed, and no longer than it may be.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};

use crate::transport::GZIP;

/// An answer's body is at most so long once unpacked, in bytes: a creator is a page of JSON.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// A body that comes in.
#[derive(Debug)]
pub(crate) enum Body {
    Plain(Bounded),
    /// With its first byte: an answer without a body has nothing to unpack, whatever its headers say.
    Packed(Option<Box<MultiGzDecoder<Bounded>>>),
}

/// Why a body cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is longer than [`MAX_BODY`].
    TooLarge,
    /// It cannot be unpacked, or breaks off.
    Broken,
}

impl Body {
    /// The body that these headers announce. The packing is taken out of them: nothing is packed any more for
    /// whoever reads on.
    pub(crate) fn of(headers: &mut HeaderMap) -> Self {
        if headers.get(CONTENT_ENCODING).is_none_or(|packing| packing != GZIP) {
            return Self::Plain(Bounded::default());
        }
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
        Self::Packed(None)
    }

    /// Takes in the next piece. However much it unpacks to, no more than the bound is kept.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<(), Unusable> {
        match self {
            Self::Plain(body) => body.write_all(piece),
            Self::Packed(body) if body.is_some() || !piece.is_empty() => {
                body.get_or_insert_with(|| Box::new(MultiGzDecoder::new(Bounded::default()))).write_all(piece)
            }
            Self::Packed(_) => Ok(()),
        }
        .map_err(|error| Unusable::of(&error))
    }

    /// The whole of it. A packed one has to be complete.
    pub(crate) fn end(self) -> Result<Vec<u8>, Unusable> {
        match self {
            Self::Plain(body) => Ok(body.0),
            Self::Packed(None) => Ok(Vec::new()),
            Self::Packed(Some(body)) => {
                body.finish().map(|body| body.0).map_err(|error| Unusable::of(&error))
            }
        }
    }
}

impl Unusable {
    fn of(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::FileTooLarge { Self::TooLarge } else { Self::Broken }
    }
}

/// Bytes up to [`MAX_BODY`].
#[derive(Debug, Default)]
pub(crate) struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.0.len() + piece.len() > MAX_BODY {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packing = GzEncoder::new(Vec::new(), Compression::best());
        packing.write_all(bytes).unwrap();
        packing.finish().unwrap()
    }

    fn unpack(bytes: &[u8], piece: usize) -> Result<Vec<u8>, Unusable> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(GZIP));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("1"));
        let mut body = Body::of(&mut headers);
        assert!(headers.is_empty(), "{headers:?}");
        for piece in bytes.chunks(piece) {
            body.take(piece)?;
        }
        body.end()
    }

    #[test]
    fn a_packed_body_is_unpacked_whatever_its_pieces() {
        let text = b"{\"outcome\":\"added\"}".repeat(100);
        let (whole, twice) = (packed(&text), [packed(&text), packed(&text)].concat());
        for piece in [1, 7, 4_096] {
            assert_eq!(unpack(&whole, piece).as_ref(), Ok(&text));
            assert_eq!(unpack(&twice, piece), Ok(text.repeat(2)), "in two members");
        }
    }

    #[test]
    fn a_packed_body_without_bytes_is_empty() {
        assert_eq!(unpack(b"", 1), Ok(Vec::new()));
    }

    #[test]
    fn a_body_is_no_longer_than_it_may_be_however_it_is_packed() {
        assert_eq!(unpack(&packed(&vec![0; MAX_BODY]), 512).map(|body| body.len()), Ok(MAX_BODY));
        assert_eq!(unpack(&packed(&vec![0; MAX_BODY + 1]), 512), Err(Unusable::TooLarge));
        assert_eq!(unpack(&packed(&vec![0; 64 * MAX_BODY]), usize::MAX), Err(Unusable::TooLarge));
        let mut plain = Body::of(&mut HeaderMap::new());
        assert_eq!(plain.take(&vec![0; MAX_BODY]), Ok(()));
        assert_eq!(plain.take(b"x"), Err(Unusable::TooLarge));
    }

    #[test]
    fn a_packed_body_that_breaks_off_or_is_none_is_told_from_a_whole_one() {
        let whole = packed(b"{\"outcome\":\"added\"}");
        for length in 1..whole.len() {
            assert_eq!(unpack(&whole[..length], 5), Err(Unusable::Broken), "{length} bytes");
        }
        assert_eq!(unpack(b"{\"outcome\":\"added\"}", 5), Err(Unusable::Broken));
    }
}
