//! Hot chunks of inputs. The database says what the digest of a chunk must be; what Redis has is used
//! only when it is those very bytes.

use std::time::Duration;

use onward_core::hex::hex;
use onward_core::id::{InputId, SpanNo};
use onward_core::input::Chunk;
use sha2::{Digest, Sha256};

use super::Redis;

/// Larger chunks stay in the database.
pub(super) const MAX_BYTES: usize = 256 * 1_024;
/// A chunk is kept for so long after it was last put.
const KEPT: Duration = Duration::from_secs(3_600);

impl Redis {
    /// The bytes of a chunk with this digest, if they are there.
    pub(crate) async fn packed(&self, input: InputId, no: SpanNo, digest: &str) -> Option<Vec<u8>> {
        let key = self.keys.chunk(input, no);
        let found = self.link.ask("read a chunk", async |mut open| {
            match redis::cmd("GET").arg(&key).query_async::<redis::Value>(&mut open.connection).await {
                // Something of another type is no chunk; the next one put there replaces it.
                Err(error) if !error.is_unrecoverable_error() => Ok(redis::Value::Nil),
                answer => answer,
            }
        });
        let redis::Value::BulkString(packed) = found.await? else { return None };
        let is_it = packed.len() <= MAX_BYTES && hex(&Sha256::digest(&packed)) == digest;
        is_it.then_some(packed)
    }

    /// Puts a chunk in its place, some time.
    pub(crate) fn keep_chunk(&self, input: InputId, chunk: &Chunk) {
        let Ok(permit) = self.putting.clone().try_acquire_owned() else { return };
        if chunk.packed.len() > MAX_BYTES {
            return;
        }
        let (redis, key, packed) = (self.clone(), self.keys.chunk(input, chunk.no), chunk.packed.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let put = redis.link.ask("keep a chunk", async |mut open| {
                let mut set = redis::cmd("SET");
                set.arg(&key).arg(&packed[..]).arg("EX").arg(KEPT.as_secs());
                set.query_async::<()>(&mut open.connection).await
            });
            put.await;
        });
    }
}
