//! How a file differs from what a job has.

use onward_engine::attach::{Difference, Intent, Kind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::JobView;

/// What attaching a file answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Attached)]
pub struct AttachedView {
    /// Whether the file was attached; false when it was only compared (`dry_run`).
    pub attached: bool,
    /// Rows that are in both, with the same fields.
    pub matched: u64,
    /// Rows that are in both, with other fields.
    pub changed: u64,
    /// Rows that only the new file has.
    pub new: u64,
    /// Rows that only the job has.
    pub gone: u64,
    /// Rows of both that have another number now.
    pub moved: u64,
    /// Rows whose outcome is taken back: they are done again.
    pub again: u64,
    /// The first 20 rows of each kind that differ.
    pub rows: Vec<DifferentView>,
    /// Names the file while it is kept to be attached by this id (`keep`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<String>,
    /// The job now.
    pub job: JobView,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DifferentRow)]
pub struct DifferentView {
    /// `changed`, `new` or `gone`.
    pub kind: String,
    /// Its number in the new file, from 1; in the job for one that is gone.
    pub row: u64,
    /// Its key; empty without one.
    pub key: String,
}

impl AttachedView {
    /// The answer for a difference.
    #[must_use]
    pub fn of(difference: &Difference, intent: Intent, job: JobView) -> Self {
        let kind = |kind| match kind {
            Kind::Changed => "changed",
            Kind::New => "new",
            Kind::Gone => "gone",
        };
        let row = |row: &onward_engine::attach::NamedRow| DifferentView {
            kind: kind(row.kind).to_owned(),
            row: row.index.row(),
            key: row.key.clone(),
        };
        Self {
            attached: intent == Intent::Attach,
            matched: difference.matched,
            changed: difference.changed,
            new: difference.new,
            gone: difference.gone,
            moved: difference.moved,
            again: difference.again,
            rows: difference.named.iter().map(row).collect(),
            compared: difference.kept.map(|id| id.to_string()),
            job,
        }
    }
}
