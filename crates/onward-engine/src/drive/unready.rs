//! Why a job that could go on was not begun: for now, or for good.

use onward_core::problem::Problem;
use onward_core::store::StoreError;

/// Why a job was not begun.
pub(super) enum Unready {
    /// The store did not answer: that ends by itself, and is nothing about the job (G21).
    Now(StoreError),
    /// It cannot go on.
    Never(Problem),
}

impl From<Problem> for Unready {
    fn from(problem: Problem) -> Self {
        Self::Never(problem)
    }
}

impl From<StoreError> for Unready {
    fn from(error: StoreError) -> Self {
        if error.passes() { Self::Now(error) } else { Self::Never(crate::mishap::problem(error)) }
    }
}
