//! Text in the encoding of a file that was read, so that it goes back to where it came from.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Writes UTF-8 text in another encoding, piece by piece.
#[derive(Debug, Clone, Copy)]
pub struct Encoder(&'static Encoding);

impl Encoder {
    /// The encoding of this name, as [`onward_core::input::FileFormat`] has it; UTF-8 when there is none.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(Encoding::for_label(name.as_bytes()).unwrap_or(UTF_8))
    }

    /// The name for a `charset` parameter, in lower case.
    #[must_use]
    pub fn charset(self) -> String {
        self.0.name().to_ascii_lowercase()
    }

    /// What stands before the text: the byte order mark without which UTF-16 is not known.
    #[must_use]
    pub fn mark(self) -> &'static [u8] {
        if self.0 == UTF_16LE {
            b"\xff\xfe"
        } else if self.0 == UTF_16BE {
            b"\xfe\xff"
        } else {
            b""
        }
    }

    /// A piece of text. What the encoding has no sign for (a message of ours may; what came out of the
    /// file has one) becomes a question mark.
    #[must_use]
    pub fn encode(self, text: Vec<u8>) -> Vec<u8> {
        if self.0 == UTF_8 {
            return text;
        }
        let text = String::from_utf8_lossy(&text);
        if self.0 == UTF_16LE {
            return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        }
        if self.0 == UTF_16BE {
            return text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        }
        let (bytes, _, unknown) = self.0.encode(&text);
        if !unknown {
            return bytes.into_owned();
        }
        let mut sign = [0; 4];
        let known = |c: char, sign: &mut [u8; 4]| !self.0.encode(c.encode_utf8(sign)).2;
        let plain: String = text.chars().map(|c| if known(c, &mut sign) { c } else { '?' }).collect();
        self.0.encode(&plain).0.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_back_to_the_encoding_it_came_from() {
        let text = "Åsa;größe\r\n".as_bytes().to_vec();
        assert_eq!(Encoder::of("UTF-8").encode(text.clone()), text);
        let encoded = Encoder::of("windows-1252").encode(text.clone());
        assert_eq!(encoded, b"\xc5sa;gr\xf6\xdfe\r\n");
        let wide = Encoder::of("UTF-16LE").encode(text);
        assert_eq!((&wide[..4], wide.len()), (&b"\xc5\x00s\x00"[..], 22));
        assert_eq!(Encoder::of("windows-1252").encode("ok → no".as_bytes().to_vec()), b"ok ? no");
        assert_eq!(Encoder::of("UTF-16BE").mark(), b"\xfe\xff");
    }
}
