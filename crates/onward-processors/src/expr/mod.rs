//! Expressions of a recipe: CEL's grammar, with missing values as unknown.
//!
//! The `cel` crate parses; the evaluation is ours, for three reasons. In CEL a missing value is an
//! error, while a filter over people's data needs it to be *unknown*: `unknown && false` is false,
//! `unknown || true` is true, and anything else with it stays unknown, as in SQL. Errors then are
//! kept for what the person who wrote the recipe must put right, and say so in words. And a filter
//! runs for every row, so it borrows from the row instead of copying it into a context.
//!
//! **Bounds.** The parser recurses deeply: it runs once per job on a thread with a large stack, over
//! at most [`MAX_LENGTH`] bytes. What it gives is walked with a bound on depth, and an evaluation has
//! a budget of steps, so that no recipe and no answer of a target can stop the process.

mod eval;
mod functions;
mod lower;
mod number;
mod value;

use std::sync::Arc;

pub(crate) use eval::{Fault, Scope};
pub use number::{Number, number};
pub(crate) use value::Value;

use lower::Node;

/// No expression is longer, in bytes: a page of text, and what the parser was tried with.
pub const MAX_LENGTH: usize = 4_096;
/// Stack of the thread that parses, in bytes: 64 MiB holds what [`MAX_LENGTH`] bytes can nest.
const PARSE_STACK: usize = 64 * 1024 * 1024;

/// An expression ready to be evaluated.
#[derive(Debug)]
pub struct Expression {
    root: Node,
    variables: Vec<Arc<str>>,
}

/// The expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadExpression {
    /// A sentence; names line and column within the expression where they are known.
    pub message: String,
    /// The nearest known name, where a name is unknown.
    pub nearest: Option<String>,
}

impl BadExpression {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), nearest: None }
    }
}

impl Expression {
    /// The names it uses: fields of the row, and `status`, `headers`, `body`.
    #[must_use]
    pub fn variables(&self) -> &[Arc<str>] {
        &self.variables
    }

    /// Evaluates it. A `Fault` is the recipe's mistake for this row, in words.
    pub(crate) fn evaluate<'a>(&'a self, scope: &'a dyn Scope<'a>) -> Result<Value<'a>, Fault> {
        eval::Machine::new(scope).run(&self.root)
    }
}

/// Compiles expressions, in their order, on a thread of its own.
///
/// # Errors
/// One per expression that cannot be used.
pub fn compile(sources: Vec<String>) -> Vec<Result<Expression, BadExpression>> {
    let count = sources.len();
    let failed = |message: String| (0..count).map(|_| Err(BadExpression::new(message.clone()))).collect();
    let work = move || sources.iter().map(|source| one(source)).collect();
    match std::thread::Builder::new().name("compile".into()).stack_size(PARSE_STACK).spawn(work) {
        // The parser is somebody else's: should it panic, the recipe is refused and nothing else happens.
        Ok(thread) => thread.join().unwrap_or_else(|_| failed("it cannot be understood".to_owned())),
        Err(error) => failed(format!("there is no thread to read it on: {error}")),
    }
}

fn one(source: &str) -> Result<Expression, BadExpression> {
    if source.len() > MAX_LENGTH {
        return Err(BadExpression::new(format!("an expression is at most {MAX_LENGTH} bytes long")));
    }
    let parsed = cel::parser::Parser::default().parse(source).map_err(|errors| {
        let first = errors.errors.first();
        let place = first.map(|error| format!("line {}, column {}: ", error.pos.0, error.pos.1));
        let what = first.map_or("it cannot be understood", |error| error.msg.as_str());
        BadExpression::new(format!("{}{what}", place.unwrap_or_default()))
    })?;
    let (root, variables) = lower::lower(&parsed)?;
    Ok(Expression { root, variables })
}

#[cfg(test)]
mod tests;
