//! The digest by which a file is recognised.

use std::path::Path;

use onward_core::hex::hex;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

/// Read from the file in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;

/// SHA-256 of a file, in hex.
pub(crate) async fn digest(file: &Path) -> std::io::Result<String> {
    let mut content = tokio::fs::File::open(file).await?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = content.read(&mut piece).await?;
        if length == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&piece[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_digest_is_the_one_everybody_knows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        std::fs::write(&file, "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(&file).await.unwrap(), expected);
    }
}
