//! The whole suite in one test, for a store whose server takes longer to start than a case to run.

use std::ops::Range;
use std::pin::Pin;

use super::{Subject, model};

/// A case under way.
pub type Case = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs cases one after the other, each on a fresh store, and keeps the names of those that fail.
pub struct Run<M> {
    make: M,
    ran: usize,
    failed: Vec<String>,
}

impl<M, F> Run<M>
where
    M: Fn() -> F,
    F: Future<Output = Subject>,
{
    /// Runs one case; it fails when it panics.
    pub async fn case(&mut self, name: &str, case: fn(Subject) -> Case) {
        self.ran += 1;
        let subject = (self.make)().await;
        if tokio::spawn(case(subject)).await.is_err() {
            self.failed.push(name.to_owned());
        }
    }
}

/// Runs every case of the suite, and the random histories of these seeds: fewer than elsewhere, because
/// each of their calls crosses a network.
///
/// # Panics
///
/// When cases failed, with their names; what each said stands above.
pub async fn run_all<M, F>(make: M, seeds: Range<u64>)
where
    M: Fn() -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Subject> + Send,
{
    let mut run = Run { make: make.clone(), ran: 0, failed: Vec::new() };
    crate::conformance_list! { conformance_run run }
    let histories = tokio::spawn(async move { model::histories(make, seeds).await });
    if histories.await.is_err() {
        run.failed.push(String::from("model::any_history_gets_the_answers_of_the_model"));
    }
    assert!(run.failed.is_empty(), "{} of {} cases failed: {:#?}", run.failed.len(), run.ran + 1, run.failed);
}
