//! What can be asked about hooks: who sends, what was sent, and that it is sent again.

use std::sync::Arc;

use onward_core::hook::{Courier, Delivery};
use onward_core::id::JobId;
use onward_core::problem::{Code, Problem};
use onward_core::recipe::{Hook, MAX_HOOKS, Recipe};
use onward_core::store::DeliveryQuery;
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::clock;
use crate::hooks::Post;
use crate::mishap;

impl Engine {
    /// Says who sends deliveries to hooks, before the duties are started. Without one nobody is told, and
    /// recipes with hooks are taken all the same.
    pub fn tell_with(&self, courier: Arc<dyn Courier>) {
        // The first one stays.
        drop(self.inner.courier.set(courier));
    }

    /// Names a hook that every job made here is given beside those of its recipe.
    ///
    /// It is stored with the job, so that it is told in the transaction that changes the job, whichever process
    /// does that and whatever that process was started with.
    pub fn tell_of_all(&self, hook: Hook) {
        // The first one stays.
        drop(self.inner.standing.set(hook));
    }

    /// That hook.
    #[must_use]
    pub fn standing(&self) -> Option<&Hook> {
        self.inner.standing.get()
    }

    /// Whether it can be used here.
    ///
    /// # Errors
    /// As [`Courier::check`].
    pub fn check_standing(&self) -> Result<(), Problem> {
        match (self.inner.courier.get(), self.inner.standing.get()) {
            (Some(courier), Some(hook)) => courier.check(std::slice::from_ref(hook)),
            (None, _) | (_, None) => Ok(()),
        }
    }

    /// Gives a recipe the hook of all jobs, unless it has the same one already.
    pub(super) fn add_standing(&self, recipe: &mut Recipe) -> Result<(), Problem> {
        let Some(hook) = self.inner.standing.get().filter(|hook| !recipe.hooks.contains(hook)) else {
            return Ok(());
        };
        if recipe.hooks.len() >= MAX_HOOKS {
            let detail = format!(
                "the recipe has {MAX_HOOKS} hooks and this server adds one of its own; {MAX_HOOKS} are allowed in \
                 all, so take one out of the recipe"
            );
            let error = serde_json::json!({ "path": "hooks", "message": &detail });
            return Err(Problem::new(Code::RecipeInvalid, detail).with("errors", vec![error]));
        }
        recipe.hooks.push(hook.clone());
        Ok(())
    }

    /// Whether the hooks of a recipe can be used here.
    ///
    /// # Errors
    /// As [`Courier::check`].
    pub fn check_hooks(&self, recipe: &Recipe) -> Result<(), Problem> {
        self.inner.courier.get().map_or(Ok(()), |courier| courier.check(&recipe.hooks))
    }

    /// Deliveries of a job, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, Problem> {
        self.store().deliveries(query).await.map_err(mishap::problem)
    }

    /// Makes a delivery due now, with a new day before it; one that is being sent at this moment is left alone.
    ///
    /// # Errors
    /// `delivery-not-found` when the job has none of this id.
    pub async fn send_again(&self, job: JobId, id: &str) -> Result<Delivery, Problem> {
        let found = self.store().send_again(job, id, clock::now()).await.map_err(mishap::problem)?;
        found.ok_or_else(|| {
            let detail = format!("job {job} has no delivery of this id; list them first");
            Problem::new(Code::DeliveryNotFound, detail).with("job_id", job.to_string())
        })
    }

    /// Sends what is due until word of this job is out: for a process that ends with its job. Answers how many of
    /// its deliveries still wait; the next process of this store sends those.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tell_the_rest(&self, job: JobId) -> Result<u64, Problem> {
        match self.post() {
            Some(post) => post.rest(job).await.map_err(mishap::problem),
            None => Ok(0),
        }
    }

    /// Sends deliveries from now on, if somebody can.
    pub(super) fn start_telling(&self) {
        let mut tasks = self.tasks();
        let Some(post) = self.post().filter(|_| tasks.telling.is_none()) else { return };
        let stop = CancellationToken::new();
        tasks.telling = Some((tokio::spawn(post.rounds(stop.clone())), stop));
    }

    /// Ends the sending; calls under way get a moment.
    pub(super) async fn stop_telling(&self) {
        let telling = self.tasks().telling.take();
        if let Some((task, stop)) = telling {
            stop.cancel();
            if let Err(error) = task.await {
                tracing::error!(%error, "the task that tells hooks has crashed");
            }
        }
    }

    fn post(&self) -> Option<Post> {
        let courier = Arc::clone(self.inner.courier.get()?);
        Some(Post { store: Arc::clone(self.store()), courier, sender: self.inner.worker.clone() })
    }
}
