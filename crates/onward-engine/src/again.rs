//! A file that was given before: nothing is wrong with that, but a person may not mean it.

use std::sync::Arc;

use onward_core::input::Warning;
use onward_core::recipe::Recipe;
use onward_core::store::Store;
use onward_core::words::counted;

use crate::input::work_digest;

/// Names the newest job that was made of the same bytes with the same recipe. One that is still active is no
/// matter of a warning: no second job is made beside it. A store that does not answer now costs the warning only.
pub(crate) async fn same_content(store: &Arc<dyn Store>, sha256: &str, recipe: &Recipe) -> Option<Warning> {
    let id = store.find_job(&work_digest(sha256, &recipe.to_json())).await.ok()??;
    let job = store.job(id).await.ok()??;
    if job.state.is_active() {
        return None;
    }
    let message = format!(
        "this file was given before with this recipe, as job {id} ({}, {}); nothing is wrong if you mean to \
         do it again",
        job.state.word(),
        counted(job.total, "row", "rows")
    );
    Some(Warning { code: "same-content-as".to_owned(), message, line: None })
}
