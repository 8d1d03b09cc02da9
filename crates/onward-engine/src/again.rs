//! A file that was given before: nothing is wrong with that, but a person may not mean it.

use std::sync::Arc;

use onward_core::input::Warning;
use onward_core::recipe::Recipe;
use onward_core::store::{Sought, Store};
use onward_core::words::counted;

use crate::input::work_digest;

/// Names the newest job that was made of the same bytes, with the same recipe if there is one. A job with this recipe
/// that is still active is no matter of a warning: no second job is made beside it. A store that does not answer now
/// costs the warning only.
pub(crate) async fn same_content(store: &Arc<dyn Store>, sha256: &str, recipe: &Recipe) -> Option<Warning> {
    let work = Sought::Work(work_digest(sha256, &recipe.to_json()));
    let same_work = store.find_job(&work).await.ok()?;
    let (id, with) = match same_work {
        Some(id) => (id, "this recipe"),
        None => (store.find_job(&Sought::Content(sha256.to_owned())).await.ok()??, "another recipe"),
    };
    let job = store.job(id).await.ok()??;
    if same_work.is_some() && job.state.is_active() {
        return None;
    }
    let message = format!(
        "this file was given before with {with}, as job {id} ({}, {}); nothing is wrong if you mean to \
         do it again",
        job.state.word(),
        counted(job.total, "row", "rows")
    );
    Some(Warning { code: "same-content-as".to_owned(), message, line: None })
}
