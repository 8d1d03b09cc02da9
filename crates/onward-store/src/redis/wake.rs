//! Messages between machines: "look at this job". They only make things quicker: whoever misses one
//! finds out by looking, as without Redis.

use std::time::Duration;

use futures::StreamExt;
use onward_core::id::JobId;

use super::Redis;

/// After the connection broke, the next one is tried this much later.
const AGAIN: Duration = Duration::from_secs(1);
/// Whether the connection still lives is asked this often: one that is cut off says nothing by itself.
const LIVENESS: Duration = Duration::from_secs(5);

impl Redis {
    /// Tells all machines to look at a job.
    pub(crate) fn tell(&self, job: JobId) {
        let Ok(permit) = self.putting.clone().try_acquire_owned() else { return };
        let (redis, channel) = (self.clone(), self.keys.wake());
        tokio::spawn(async move {
            let _permit = permit;
            let told = redis.link.ask("tell others", async |mut open| {
                let mut publish = redis::cmd("PUBLISH");
                publish.arg(&channel).arg(job.to_string()).query_async::<i64>(&mut open.connection).await
            });
            told.await;
        });
    }

    /// Calls `wake` for every message, for ever.
    pub async fn listen(&self, wake: impl Fn(JobId) + Send + Sync) {
        let channel = self.keys.wake();
        loop {
            if let Err(error) = self.listen_once(&channel, &wake).await {
                tracing::debug!(%error, "messages of other machines do not arrive; looking without them");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn listen_once(&self, channel: &str, wake: &(impl Fn(JobId) + Sync)) -> redis::RedisResult<()> {
        let (mut out, mut messages) = self.link.messages().await?.split();
        out.subscribe(channel).await?;
        loop {
            match tokio::time::timeout(LIVENESS, messages.next()).await {
                Ok(Some(message)) => {
                    let job = message.get_payload::<String>().ok().and_then(|text| text.parse().ok());
                    if let Some(job) = job {
                        wake(job);
                    }
                }
                Ok(None) => return Ok(()),
                Err(_) => {
                    let alive = tokio::time::timeout(LIVENESS, out.ping::<redis::Value>()).await;
                    alive
                        .map_err(|_| redis::RedisError::from((redis::ErrorKind::Io, "no sign of life")))??;
                }
            }
        }
    }
}
