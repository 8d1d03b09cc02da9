//! The bytes as they were uploaded: read in full blocks, counted, hashed, bounded.

use std::io::{ErrorKind, Read};

use onward_core::hex::hex;
use onward_core::problem::{Code, Problem};
use sha2::{Digest, Sha256};

/// Bytes per block, and so the part of the file that encoding and delimiter are judged by. 256 KiB is
/// some thousand rows: enough to tell, and small beside the memory limit.
pub(crate) const BLOCK_BYTES: usize = 256 << 10;

/// The upload.
pub(crate) struct Source<'a> {
    reader: &'a mut dyn Read,
    hash: Sha256,
    bytes: u64,
    limit: u64,
    ended: bool,
}

impl<'a> Source<'a> {
    /// Reads from `reader`, at most `limit` bytes.
    pub(crate) fn new(reader: &'a mut dyn Read, limit: u64) -> Self {
        Self { reader, hash: Sha256::new(), bytes: 0, limit, ended: false }
    }

    /// Replaces `block` with the next block; it is shorter than `size` only at the end of the file.
    pub(crate) fn next_block(&mut self, block: &mut Vec<u8>, size: usize) -> Result<(), Problem> {
        block.resize(size, 0);
        let mut filled = 0;
        while filled < size {
            match self.reader.read(&mut block[filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.stopped(filled, &error)),
            }
        }
        block.truncate(filled);
        self.bytes += filled as u64;
        if self.bytes > self.limit {
            return Err(self.too_large());
        }
        self.hash.update(&*block);
        Ok(())
    }

    /// Whether the end of the file was seen.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the bytes read so far, in hex.
    pub(crate) fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    fn stopped(&self, filled: usize, error: &std::io::Error) -> Problem {
        let at = self.bytes + filled as u64;
        let detail =
            format!("the upload stopped after {at} bytes ({error}); nothing was kept, send it again");
        Problem::new(Code::UploadAborted, detail).with("bytes", at)
    }

    fn too_large(&self) -> Problem {
        let limit = self.limit;
        let detail = format!("the file has more than {limit} bytes, the most that is allowed; split it");
        Problem::new(Code::TooLarge, detail).with("limit_bytes", limit)
    }
}
