//! Evaluates an expression over one row, with what is missing as unknown.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use super::functions::{self, Function};
use super::lower::{Arithmetic, Fold, Node, Order, Pair};
use super::value::{Value, equal};

/// Steps of one evaluation: a thousand times what a filter needs, and well under a second.
const MAX_STEPS: u32 = 200_000;
/// A text an expression puts together is at most so long, in bytes, as one answer may be.
const MAX_TEXT: usize = 1024 * 1024;
/// Bytes of text that count as one step.
const BYTES_PER_STEP: usize = 64;
/// A value in a message is cut there, in characters.
const MAX_SHOWN: usize = 40;

/// Where the values of names come from.
pub(crate) trait Scope<'a> {
    /// The value of a variable, by its place in [`super::Expression::variables`]; `what` is its name.
    fn variable(&self, slot: usize, what: &'a str) -> Value<'a>;
}

/// Why an expression has no value: a mistake of the recipe, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Fault {
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

type Evaluated<'a> = Result<Value<'a>, Fault>;

/// One evaluation.
pub(super) struct Machine<'a> {
    scope: &'a dyn Scope<'a>,
    locals: Vec<Value<'a>>,
    steps_left: u32,
}

impl<'a> Machine<'a> {
    pub(super) fn new(scope: &'a dyn Scope<'a>) -> Self {
        Self { scope, locals: Vec::new(), steps_left: MAX_STEPS }
    }

    /// The value of a part.
    pub(super) fn run(&mut self, node: &'a Node) -> Evaluated<'a> {
        self.charge(1)?;
        match node {
            Node::Null => Ok(Value::Missing("null")),
            Node::Bool(value) => Ok(Value::Bool(*value)),
            Node::Int(value) => Ok(Value::Int(*value)),
            Node::Float(value) => Ok(Value::Float(*value)),
            Node::Text(text) => Ok(Value::Text(Cow::Borrowed(text))),
            Node::Variable { slot, what } => Ok(self.scope.variable(*slot, what)),
            Node::Local(at) => Ok(self.locals.get(*at).cloned().unwrap_or(Value::Missing("an item"))),
            Node::Select { of, field, what } => Ok(self.run(of)?.member(field, what)),
            Node::Has { of, field } => {
                let member = self.run(of)?.member(field, "");
                Ok(Value::Bool(!matches!(member, Value::Missing(_))))
            }
            Node::Index { of, at, what } => self.index(of, at, what),
            Node::List(items) => {
                let items = items.iter().map(|item| self.run(item)).collect::<Result<_, _>>()?;
                Ok(Value::List(Rc::new(items)))
            }
            Node::Not(of) => {
                let value = truth(self.run(of)?)?;
                Ok(if let Value::Bool(value) = value { Value::Bool(!value) } else { value })
            }
            Node::Negate { of, what } => negate(&self.run(of)?, what),
            Node::And(pair) => self.logic(pair, false),
            Node::Or(pair) => self.logic(pair, true),
            Node::Choose(parts) => {
                let test = truth(self.run(&parts[0])?)?;
                let Value::Bool(test) = test else { return Ok(test) };
                self.run(&parts[if test { 1 } else { 2 }])
            }
            Node::IsNull { of, negated } => {
                let missing = matches!(self.run(of)?, Value::Missing(_));
                Ok(Value::Bool(missing != *negated))
            }
            Node::Equal { pair, negated } => self.equal(pair, *negated),
            Node::Order(order, pair) => self.order(*order, pair),
            Node::Arithmetic(sum, pair) => self.arithmetic(*sum, pair),
            Node::In { pair } => self.is_in(pair),
            Node::NotFalse(of) => Ok(Value::Bool(!matches!(self.run(of)?, Value::Bool(false)))),
            Node::Matches { of, pattern, what } => {
                let value = self.run(of)?;
                self.charge_value(&value)?;
                functions::matches(&value, pattern, what)
            }
            Node::Call { function, arguments, what } => self.call(*function, arguments, what),
            Node::Fold(fold) => self.fold(fold),
        }
    }

    fn call(&mut self, function: Function, arguments: &'a [Node], what: &'a str) -> Evaluated<'a> {
        // Nearly every function takes one value; no list is made for it.
        if let [only] = arguments {
            let value = self.run(only)?;
            self.charge_value(&value)?;
            return function.call(&[value], what);
        }
        let values: Vec<_> = arguments.iter().map(|one| self.run(one)).collect::<Result<_, _>>()?;
        values.iter().try_for_each(|value| self.charge_value(value))?;
        function.call(&values, what)
    }

    fn charge(&mut self, steps: u32) -> Result<(), Fault> {
        self.steps_left = self.steps_left.checked_sub(steps).ok_or_else(|| {
            Fault::new(format!("the expression takes more than {MAX_STEPS} steps for this row"))
        })?;
        Ok(())
    }

    fn charge_text(&mut self, bytes: usize) -> Result<(), Fault> {
        self.charge(u32::try_from(bytes / BYTES_PER_STEP).unwrap_or(u32::MAX))
    }

    fn charge_value(&mut self, value: &Value<'a>) -> Result<(), Fault> {
        if let Value::Text(text) = value { self.charge_text(text.len()) } else { Ok(()) }
    }

    /// `&&` and `||`: one side that decides, decides, whatever the other is, also a fault.
    fn logic(&mut self, pair: &'a Pair, decides: bool) -> Evaluated<'a> {
        let left = self.run(&pair.left).and_then(truth);
        if let Ok(Value::Bool(value)) = left
            && value == decides
        {
            return left;
        }
        let right = self.run(&pair.right).and_then(truth);
        match (left, right) {
            (_, Ok(Value::Bool(value))) if value == decides => Ok(Value::Bool(decides)),
            (Err(fault), _) | (Ok(_), Err(fault)) => Err(fault),
            (Ok(Value::Missing(name)), _) | (_, Ok(Value::Missing(name))) => Ok(Value::Missing(name)),
            (Ok(_), Ok(value)) => Ok(value),
        }
    }

    fn equal(&mut self, pair: &'a Pair, negated: bool) -> Evaluated<'a> {
        let (left, right) = (self.run(&pair.left)?, self.run(&pair.right)?);
        self.charge_value(&left)?;
        if let (Value::Text(_), Value::Int(_) | Value::Float(_))
        | (Value::Int(_) | Value::Float(_), Value::Text(_)) = (&left, &right)
        {
            return Err(mixed(pair, &left, &right));
        }
        match equal(&left, &right) {
            Some(same) => Ok(Value::Bool(same != negated)),
            None => Ok(Value::Missing(missing_of(&left, &right))),
        }
    }

    fn order(&mut self, order: Order, pair: &'a Pair) -> Evaluated<'a> {
        let (left, right) = (self.run(&pair.left)?, self.run(&pair.right)?);
        self.charge_value(&left)?;
        let found = match (&left, &right) {
            (Value::Missing(name), _) | (_, Value::Missing(name)) => return Ok(Value::Missing(name)),
            (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
            (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
            (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
            _ => match (left.as_f64(), right.as_f64()) {
                (Some(left), Some(right)) => left.partial_cmp(&right),
                _ => return Err(mixed(pair, &left, &right)),
            },
        };
        Ok(Value::Bool(match order {
            Order::Less => found == Some(Ordering::Less),
            Order::LessOrEqual => matches!(found, Some(Ordering::Less | Ordering::Equal)),
            Order::Greater => found == Some(Ordering::Greater),
            Order::GreaterOrEqual => matches!(found, Some(Ordering::Greater | Ordering::Equal)),
        }))
    }

    fn arithmetic(&mut self, sum: Arithmetic, pair: &'a Pair) -> Evaluated<'a> {
        let (left, right) = (self.run(&pair.left)?, self.run(&pair.right)?);
        match (&left, &right, sum) {
            (Value::Missing(name), _, _) | (_, Value::Missing(name), _) => Ok(Value::Missing(name)),
            (Value::Int(left), Value::Int(right), _) => whole_sum(sum, *left, *right, pair),
            (Value::Text(left), Value::Text(right), Arithmetic::Add) => {
                let length = left.len() + right.len();
                self.charge_text(length)?;
                if length > MAX_TEXT {
                    return Err(Fault::new(format!("a text grew beyond {MAX_TEXT} bytes")));
                }
                Ok(Value::Text(Cow::Owned(format!("{left}{right}"))))
            }
            (Value::List(items), Value::List(more), Arithmetic::Add) => {
                self.charge_text(items.len() * BYTES_PER_STEP)?;
                Ok(Value::List(Rc::new(items.iter().chain(more.iter()).cloned().collect())))
            }
            _ => match (left.as_f64(), right.as_f64()) {
                (Some(left), Some(right)) => Ok(decimal_sum(sum, left, right)),
                _ => Err(mixed(pair, &left, &right)),
            },
        }
    }

    fn is_in(&mut self, pair: &'a Pair) -> Evaluated<'a> {
        let left = self.run(&pair.left)?;
        if let Value::Missing(name) = left {
            return Ok(Value::Missing(name));
        }
        if let Node::List(items) = &pair.right {
            return self.is_among(&left, items);
        }
        let right = self.run(&pair.right)?;
        match (&left, &right) {
            (_, Value::Missing(name)) => Ok(Value::Missing(name)),
            (Value::Text(key), Value::Object(members)) => Ok(Value::Bool(members.contains_key(key.as_ref()))),
            _ => {
                let Some(items) = right.items(&pair.right_what) else {
                    let (what, kind) = (&pair.right_what, right.kind());
                    return Err(Fault::new(format!("`in` needs a list, and `{what}` is {kind}")));
                };
                self.charge_text(items.len() * BYTES_PER_STEP)?;
                Ok(Value::Bool(items.iter().any(|item| equal(&left, item) == Some(true))))
            }
        }
    }

    /// `in` over a list that is written out, without building it.
    fn is_among(&mut self, value: &Value<'a>, items: &'a [Node]) -> Evaluated<'a> {
        let mut unknown = None;
        for item in items {
            let item = self.run(item)?;
            match equal(value, &item) {
                Some(true) => return Ok(Value::Bool(true)),
                Some(false) => {}
                None => unknown = Some(missing_of(value, &item)),
            }
        }
        Ok(unknown.map_or(Value::Bool(false), Value::Missing))
    }

    fn index(&mut self, of: &'a Node, at: &'a Node, what: &'a str) -> Evaluated<'a> {
        let (of, at) = (self.run(of)?, self.run(at)?);
        match (&of, &at) {
            (Value::Missing(name), _) | (_, Value::Missing(name)) => Ok(Value::Missing(name)),
            (Value::Object(_), Value::Text(key)) => Ok(of.member(key, what)),
            (Value::Array(items), Value::Int(at)) => {
                let item = usize::try_from(*at).ok().and_then(|at| items.get(at));
                Ok(item.map_or(Value::Missing(what), |json| Value::of_json(json, what)))
            }
            (Value::List(items), Value::Int(at)) => {
                let item = usize::try_from(*at).ok().and_then(|at| items.get(at));
                Ok(item.cloned().unwrap_or(Value::Missing(what)))
            }
            _ => Err(Fault::new(format!("`{what}` cannot look into {} with {}", of.kind(), at.kind()))),
        }
    }

    fn fold(&mut self, fold: &'a Fold) -> Evaluated<'a> {
        let over = self.run(&fold.over)?;
        if let Value::Missing(name) = over {
            return Ok(Value::Missing(name));
        }
        let Some(items) = over.items(&fold.what) else {
            return Err(Fault::new(format!("`{}` is {}, not a list", fold.what, over.kind())));
        };
        self.charge_text(items.len() * BYTES_PER_STEP)?;
        let start = self.run(&fold.start)?;
        let depth = self.locals.len();
        self.locals.push(start);
        let folded = self.fold_items(fold, items, depth);
        let result = folded.and_then(|()| self.run(&fold.result));
        self.locals.truncate(depth);
        result
    }

    fn fold_items(&mut self, fold: &'a Fold, items: Vec<Value<'a>>, depth: usize) -> Result<(), Fault> {
        for item in items {
            self.locals.push(item);
            let go_on = self.run(&fold.go_on)?;
            if !matches!(go_on, Value::Bool(true)) {
                self.locals.truncate(depth + 1);
                break;
            }
            let next = self.run(&fold.step)?;
            self.locals.truncate(depth);
            self.locals.push(next);
        }
        Ok(())
    }
}

/// Passes truths and what is missing; anything else is a fault.
fn truth(value: Value<'_>) -> Evaluated<'_> {
    if matches!(value, Value::Bool(_) | Value::Missing(_)) {
        return Ok(value);
    }
    Err(Fault::new(format!("{} stands where true or false is needed", shown(&value))))
}

fn negate<'a>(value: &Value<'a>, what: &str) -> Evaluated<'a> {
    match value {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(|| too_large(what)),
        Value::Float(value) => Ok(Value::Float(-value)),
        Value::Missing(name) => Ok(Value::Missing(name)),
        Value::Bool(_) | Value::Text(_) | Value::Array(_) | Value::Object(_) | Value::List(_) => {
            Err(Fault::new(format!("`{what}` needs a number, and found {}", value.kind())))
        }
    }
}

fn missing_of<'a>(left: &Value<'a>, right: &Value<'a>) -> &'a str {
    match (left, right) {
        (Value::Missing(name), _) | (_, Value::Missing(name)) => name,
        _ => "an item",
    }
}

fn too_large(what: &str) -> Fault {
    Fault::new(format!("`{what}` is too large a number"))
}

/// Two values that cannot be put side by side; the way out is named when one is a number in text.
fn mixed(pair: &Pair, left: &Value<'_>, right: &Value<'_>) -> Fault {
    let (one, other, one_what) = match (left, right) {
        (Value::Text(_), _) => (left, right, &pair.left_what),
        (_, Value::Text(_)) => (right, left, &pair.right_what),
        _ => (left, right, &pair.left_what),
    };
    let hint = match (one, other) {
        (Value::Text(_), Value::Int(_) | Value::Float(_)) => format!("; write number({one_what})"),
        _ => String::new(),
    };
    let (shown, kind) = (shown(one), other.kind());
    Fault::new(format!("`{one_what}` is {shown}, which does not go with {kind}{hint}"))
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => {
            let short: String = text.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect();
            format!("the text \"{short}\"")
        }
        Value::Int(number) => format!("the number {number}"),
        Value::Float(number) => format!("the number {number}"),
        Value::Missing(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) | Value::List(_) => {
            value.kind().to_owned()
        }
    }
}

fn whole_sum<'a>(sum: Arithmetic, left: i64, right: i64, pair: &Pair) -> Evaluated<'a> {
    let by_zero = right == 0 && matches!(sum, Arithmetic::Divide | Arithmetic::Remainder);
    if by_zero {
        return Err(Fault::new(format!("`{}` is divided by zero", pair.left_what)));
    }
    let value = match sum {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    value.map(Value::Int).ok_or_else(|| too_large(&pair.left_what))
}

fn decimal_sum<'a>(sum: Arithmetic, left: f64, right: f64) -> Value<'a> {
    Value::Float(match sum {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
    })
}
