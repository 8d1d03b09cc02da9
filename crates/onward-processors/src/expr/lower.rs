//! From the parser's tree to ours: names become slots, functions become known ones, and everything
//! this language does not have is refused with a sentence.

use std::sync::Arc;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use regex::Regex;

use super::BadExpression;
use super::functions::Function;

/// Levels of nesting: more than a person can read, and few enough for any thread's stack.
const MAX_DEPTH: usize = 120;
/// Compiled size of a pattern, in bytes; the `regex` crate matches in linear time.
const MAX_PATTERN: usize = 256 * 1024;
/// A name of a part in messages is cut there, in characters.
const MAX_NAME: usize = 60;

/// A part of an expression. `what` is its text, for messages.
#[derive(Debug)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<str>),
    Variable { slot: usize, what: Arc<str> },
    Local(usize),
    Select { of: Box<Node>, field: Box<str>, what: Box<str> },
    Has { of: Box<Node>, field: Box<str> },
    Index { of: Box<Node>, at: Box<Node>, what: Box<str> },
    List(Vec<Node>),
    Not(Box<Node>),
    Negate { of: Box<Node>, what: Box<str> },
    And(Box<Pair>),
    Or(Box<Pair>),
    Choose(Box<[Node; 3]>),
    IsNull { of: Box<Node>, negated: bool },
    Equal { pair: Box<Pair>, negated: bool },
    Order(Order, Box<Pair>),
    Arithmetic(Arithmetic, Box<Pair>),
    In { pair: Box<Pair> },
    NotFalse(Box<Node>),
    Matches { of: Box<Node>, pattern: Box<Regex>, what: Box<str> },
    Call { function: Function, arguments: Vec<Node>, what: Box<str> },
    Fold(Box<Fold>),
}

/// Two parts and their texts.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) left: Node,
    pub(crate) right: Node,
    pub(crate) left_what: Box<str>,
    pub(crate) right_what: Box<str>,
}

/// `exists`, `all`, `exists_one`, `map` and `filter` over a list. Two locals are pushed: the result
/// so far and the item.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) over: Node,
    pub(crate) what: Box<str>,
    pub(crate) start: Node,
    pub(crate) go_on: Node,
    pub(crate) step: Node,
    pub(crate) result: Node,
}

/// Comparisons by order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

type Lowered = Result<Node, BadExpression>;

/// The tree and the names of its variables.
pub(super) fn lower(parsed: &cel::IdedExpr) -> Result<(Node, Vec<Arc<str>>), BadExpression> {
    let mut lowering = Lowering { variables: Vec::new(), locals: Vec::new(), depth: 0 };
    let root = lowering.node(&parsed.expr)?;
    Ok((root, lowering.variables))
}

struct Lowering {
    variables: Vec<Arc<str>>,
    locals: Vec<String>,
    depth: usize,
}

impl Lowering {
    fn node(&mut self, expr: &Expr) -> Lowered {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("the expression is nested more than {MAX_DEPTH} levels deep");
            return Err(BadExpression::new(message));
        }
        let node = match expr {
            Expr::Literal(literal) => lower_literal(literal),
            Expr::Ident(name) => Ok(self.name(name)),
            Expr::Select(select) => {
                let of = self.boxed(&select.operand.expr)?;
                let field = select.field.as_str().into();
                Ok(if select.test {
                    Node::Has { of, field }
                } else {
                    Node::Select { of, field, what: what(expr) }
                })
            }
            Expr::List(list) => {
                let items = list.elements.iter().map(|item| self.node(&item.expr));
                Ok(Node::List(items.collect::<Result<_, _>>()?))
            }
            Expr::Call(call) => self.call(call, expr),
            Expr::Comprehension(fold) => self.fold(fold),
            Expr::Map(_) | Expr::Struct(_) => {
                Err(BadExpression::new("`{…}` cannot be written in an expression"))
            }
            Expr::Unspecified => Err(BadExpression::new("the expression is empty")),
        };
        self.depth -= 1;
        node
    }

    fn boxed(&mut self, expr: &Expr) -> Result<Box<Node>, BadExpression> {
        self.node(expr).map(Box::new)
    }

    fn name(&mut self, name: &str) -> Node {
        if let Some(at) = self.locals.iter().rposition(|local| local == name) {
            return Node::Local(at);
        }
        let slot = self.variables.iter().position(|known| **known == *name).unwrap_or_else(|| {
            self.variables.push(name.into());
            self.variables.len() - 1
        });
        Node::Variable { slot, what: Arc::clone(&self.variables[slot]) }
    }

    fn pair(&mut self, call: &CallExpr) -> Result<Box<Pair>, BadExpression> {
        let [left, right] = call.args.as_slice() else {
            return Err(BadExpression::new(format!("`{}` needs two sides", call.func_name)));
        };
        Ok(Box::new(Pair {
            left: self.node(&left.expr)?,
            right: self.node(&right.expr)?,
            left_what: what(&left.expr),
            right_what: what(&right.expr),
        }))
    }

    fn call(&mut self, call: &CallExpr, whole: &Expr) -> Lowered {
        if call.target.is_some() {
            return self.function(call, whole);
        }
        let order = |order| move |pair| Node::Order(order, pair);
        let sum = |sum| move |pair| Node::Arithmetic(sum, pair);
        match call.func_name.as_str() {
            operators::LOGICAL_AND => self.pair(call).map(Node::And),
            operators::LOGICAL_OR => self.pair(call).map(Node::Or),
            operators::EQUALS => self.equal(call, false),
            operators::NOT_EQUALS => self.equal(call, true),
            operators::LESS => self.pair(call).map(order(Order::Less)),
            operators::LESS_EQUALS => self.pair(call).map(order(Order::LessOrEqual)),
            operators::GREATER => self.pair(call).map(order(Order::Greater)),
            operators::GREATER_EQUALS => self.pair(call).map(order(Order::GreaterOrEqual)),
            operators::ADD => self.pair(call).map(sum(Arithmetic::Add)),
            operators::SUBSTRACT => self.pair(call).map(sum(Arithmetic::Subtract)),
            operators::MULTIPLY => self.pair(call).map(sum(Arithmetic::Multiply)),
            operators::DIVIDE => self.pair(call).map(sum(Arithmetic::Divide)),
            operators::MODULO => self.pair(call).map(sum(Arithmetic::Remainder)),
            operators::IN => self.pair(call).map(|pair| Node::In { pair }),
            operators::LOGICAL_NOT => Ok(Node::Not(self.only(call)?)),
            operators::NOT_STRICTLY_FALSE => Ok(Node::NotFalse(self.only(call)?)),
            operators::NEGATE => Ok(Node::Negate { of: self.only(call)?, what: what(whole) }),
            operators::CONDITIONAL => match call.args.as_slice() {
                [test, yes, no] => {
                    let parts = [self.node(&test.expr)?, self.node(&yes.expr)?, self.node(&no.expr)?];
                    Ok(Node::Choose(Box::new(parts)))
                }
                _ => Err(BadExpression::new("`? :` needs a test and two sides")),
            },
            operators::INDEX => match call.args.as_slice() {
                [of, at] => Ok(Node::Index {
                    of: self.boxed(&of.expr)?,
                    at: self.boxed(&at.expr)?,
                    what: what(whole),
                }),
                _ => Err(BadExpression::new("`[ ]` needs one index")),
            },
            _ => self.function(call, whole),
        }
    }

    fn only(&mut self, call: &CallExpr) -> Result<Box<Node>, BadExpression> {
        match call.args.as_slice() {
            [one] => self.boxed(&one.expr),
            _ => Err(BadExpression::new(format!("`{}` needs one side", call.func_name))),
        }
    }

    /// `x == null` asks whether `x` is missing; every other comparison with what is missing is unknown.
    fn equal(&mut self, call: &CallExpr, negated: bool) -> Lowered {
        let pair = self.pair(call)?;
        Ok(match (&pair.left, &pair.right) {
            (_, Node::Null) => Node::IsNull { of: Box::new(pair.left), negated },
            (Node::Null, _) => Node::IsNull { of: Box::new(pair.right), negated },
            _ => Node::Equal { pair, negated },
        })
    }

    fn function(&mut self, call: &CallExpr, whole: &Expr) -> Lowered {
        let target = call.target.iter().map(|target| &target.expr);
        let mut arguments: Vec<&Expr> = target.collect();
        arguments.extend(call.args.iter().map(|argument| &argument.expr));
        let name = call.func_name.as_str();
        if name == "matches" {
            return self.pattern(&arguments, whole);
        }
        let function = Function::named(name)?;
        if arguments.len() != function.arity() {
            let (needs, has) = (function.arity(), arguments.len());
            return Err(BadExpression::new(format!("`{name}` takes {needs} value(s), not {has}")));
        }
        let arguments = arguments.into_iter().map(|argument| self.node(argument));
        Ok(Node::Call { function, arguments: arguments.collect::<Result<_, _>>()?, what: what(whole) })
    }

    /// The pattern is written out, so that it is compiled once and a wrong one is told at once.
    fn pattern(&mut self, arguments: &[&Expr], whole: &Expr) -> Lowered {
        let [of, Expr::Literal(LiteralValue::String(pattern))] = arguments else {
            return Err(BadExpression::new("`matches` takes a text and a pattern written in quotes"));
        };
        let compiled = regex::RegexBuilder::new(pattern.inner()).size_limit(MAX_PATTERN).build();
        let pattern = compiled.map_err(|error| {
            BadExpression::new(format!(
                "the pattern of `matches` is wrong: {}",
                last_line(&error.to_string())
            ))
        })?;
        Ok(Node::Matches { of: self.boxed(of)?, pattern: Box::new(pattern), what: what(whole) })
    }

    fn fold(&mut self, fold: &ComprehensionExpr) -> Lowered {
        if fold.iter_var2.is_some() {
            return Err(BadExpression::new("lists are walked with one name only"));
        }
        let over = self.node(&fold.iter_range.expr)?;
        let start = self.node(&fold.accu_init.expr)?;
        self.locals.push(fold.accu_var.clone());
        self.locals.push(fold.iter_var.clone());
        let go_on = self.node(&fold.loop_cond.expr)?;
        let step = self.node(&fold.loop_step.expr)?;
        self.locals.pop();
        let result = self.node(&fold.result.expr)?;
        self.locals.pop();
        let what = what(&fold.iter_range.expr);
        Ok(Node::Fold(Box::new(Fold { over, what, start, go_on, step, result })))
    }
}

fn lower_literal(literal: &LiteralValue) -> Lowered {
    match literal {
        LiteralValue::Boolean(value) => Ok(Node::Bool(*value.inner())),
        LiteralValue::Int(value) => Ok(Node::Int(*value.inner())),
        LiteralValue::Double(value) => Ok(Node::Float(*value.inner())),
        LiteralValue::String(value) => Ok(Node::Text(value.inner().into())),
        LiteralValue::Null => Ok(Node::Null),
        LiteralValue::UInt(value) => i64::try_from(*value.inner())
            .map(Node::Int)
            .map_err(|_| BadExpression::new("the number is too large")),
        LiteralValue::Bytes(_) => Err(BadExpression::new("bytes cannot be written in an expression")),
    }
}

/// The text of a part, as short as a message needs it.
fn what(expr: &Expr) -> Box<str> {
    let mut text = String::new();
    write_what(expr, &mut text);
    match text.char_indices().nth(MAX_NAME) {
        Some((at, _)) => format!("{}…", &text[..at]).into(),
        None => text.into(),
    }
}

fn write_what(expr: &Expr, text: &mut String) {
    if text.len() > MAX_NAME * 4 {
        return;
    }
    match expr {
        Expr::Ident(name) if !name.starts_with('@') => text.push_str(name),
        Expr::Select(select) => {
            write_what(&select.operand.expr, text);
            text.push('.');
            text.push_str(&select.field);
        }
        Expr::Literal(LiteralValue::String(value)) => text.push_str(&format!("'{}'", value.inner())),
        Expr::Literal(LiteralValue::Int(value)) => text.push_str(&value.inner().to_string()),
        Expr::Literal(LiteralValue::Double(value)) => text.push_str(&value.inner().to_string()),
        Expr::Literal(LiteralValue::Boolean(value)) => text.push_str(&value.inner().to_string()),
        Expr::Call(call) if call.func_name == operators::INDEX && call.args.len() == 2 => {
            write_what(&call.args[0].expr, text);
            text.push('[');
            write_what(&call.args[1].expr, text);
            text.push(']');
        }
        Expr::Call(call) if call.func_name.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            if let Some(target) = &call.target {
                write_what(&target.expr, text);
                text.push('.');
            }
            text.push_str(&call.func_name);
            text.push('(');
            for (at, argument) in call.args.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                write_what(&argument.expr, text);
            }
            text.push(')');
        }
        Expr::Unspecified
        | Expr::Ident(_)
        | Expr::Literal(_)
        | Expr::Call(_)
        | Expr::Comprehension(_)
        | Expr::List(_)
        | Expr::Map(_)
        | Expr::Struct(_) => text.push('…'),
    }
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim_start_matches("error: ")
}
