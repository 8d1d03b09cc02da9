//! Answers that are read once for many who look at about the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// An answer is given out as it is for so long.
const FRESH: Duration = Duration::from_millis(1_000);
/// Up to this age it is still given out while it is read anew beside; an older one is waited for.
const USABLE: Duration = Duration::from_millis(2_000);
/// Answers kept; beyond it those too old to be used go.
const MOST: usize = 256;

/// Answers to questions that cost much and whose answer may be two seconds old.
pub(crate) struct Recent<K, V>(Arc<Mutex<HashMap<K, Known<V>>>>);

struct Known<V> {
    value: V,
    at: Instant,
    is_read_anew: bool,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, V> Clone for Recent<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Recent<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    /// The answer to `key`, read by `read` when none is known that is young enough.
    pub(crate) async fn get<F, E>(&self, key: K, read: impl FnOnce() -> F) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
        E: Send + 'static,
    {
        let now = Instant::now();
        if let Some(known) = self.all().get_mut(&key).filter(|known| now - known.at < USABLE) {
            if now - known.at >= FRESH && !known.is_read_anew {
                known.is_read_anew = true;
                let (recent, read) = (self.clone(), read());
                tokio::spawn(async move { recent.read(key, read).await });
            }
            return Ok(known.value.clone());
        }
        self.read(key, read()).await
    }

    async fn read<E>(&self, key: K, read: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        // The answer is of some moment after this one.
        let at = Instant::now();
        let answer = read.await;
        let mut all = self.all();
        if all.len() >= MOST {
            all.retain(|_, known| at - known.at < USABLE);
        }
        match &answer {
            Ok(value) => {
                all.insert(key, Known { value: value.clone(), at, is_read_anew: false });
            }
            // The next one who asks tries again.
            Err(_) => {
                all.remove(&key);
            }
        }
        answer
    }

    fn all(&self) -> MutexGuard<'_, HashMap<K, Known<V>>> {
        // A panic while it was held leaves answers that are still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Counts how often it was read, and answers with the count.
    #[derive(Clone, Default)]
    struct Source(Arc<AtomicU32>);

    impl Source {
        async fn read(self) -> Result<u32, ()> {
            Ok(self.0.fetch_add(1, Ordering::Relaxed) + 1)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_read_once_a_second_and_nobody_waits_for_the_next() {
        let (recent, source) = (Recent::default(), Source::default());
        let ask = |key: u8| recent.get(key, || source.clone().read());
        assert_eq!((ask(1).await, ask(1).await), (Ok(1), Ok(1)));
        assert_eq!(ask(2).await, Ok(2), "another question");
        tokio::time::advance(FRESH).await;
        assert_eq!((ask(1).await, ask(1).await), (Ok(1), Ok(1)), "the old one while the next is read");
        tokio::task::yield_now().await;
        assert_eq!(ask(1).await, Ok(3));
        tokio::time::advance(USABLE).await;
        assert_eq!(ask(1).await, Ok(4), "too old to be shown");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_read_is_told_and_tried_again() {
        let recent = Recent::default();
        let down = || async { Err("away") };
        assert!(recent.get(1, down).await.is_err());
        assert_eq!(recent.get(1, || async { Ok::<_, &str>(7) }).await, Ok(7));
        tokio::time::advance(FRESH).await;
        assert_eq!(recent.get(1, down).await, Ok(7));
        tokio::task::yield_now().await;
        assert!(recent.get(1, down).await.is_err(), "what could not be read anew is not shown on");
    }

    #[tokio::test(start_paused = true)]
    async fn answers_nobody_asks_for_again_are_let_go() {
        let recent = Recent::default();
        for key in 0..MOST {
            recent.get(key, || async { Ok::<_, ()>(()) }).await.unwrap();
        }
        tokio::time::advance(USABLE).await;
        recent.get(MOST, || async { Ok::<_, ()>(()) }).await.unwrap();
        assert_eq!(recent.all().len(), 1);
    }
}
