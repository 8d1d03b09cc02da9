//! The questions a child has not answered, and what their askers are told when it answers, dies or is ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use onward_core::input::InputRow;
use tokio::time::Instant;

use super::lane::{Ask, Asker, Said, Unanswered};
use crate::wire::{Element, Name};

/// The questions a child has not answered.
pub(super) struct Open {
    /// By their number: the first is the oldest.
    asks: BTreeMap<u64, Pending>,
    /// Since when it has been the oldest.
    since: Instant,
    /// Row number to question.
    rows: HashMap<u64, u64>,
    next: u64,
    /// Whether there was an answer that nobody asked for.
    strays: bool,
}

struct Pending {
    rows: Vec<Arc<InputRow>>,
    answers: Vec<Element>,
    asker: Asker,
}

impl Open {
    pub(super) fn new() -> Self {
        Self { asks: BTreeMap::new(), since: Instant::now(), rows: HashMap::new(), next: 0, strays: false }
    }

    /// Adds a question and gives what is to be written.
    pub(super) fn take(&mut self, ask: Ask) -> Vec<u8> {
        self.next += 1;
        for row in &ask.rows {
            self.rows.insert(row.index.row(), self.next);
        }
        if self.asks.is_empty() {
            self.since = Instant::now();
        }
        let answers = Vec::with_capacity(ask.rows.len());
        let pending = Pending { rows: ask.rows, answers, asker: ask.asker };
        self.asks.insert(self.next, pending);
        ask.lines
    }

    /// Hands what a line says to whoever asked; `false` when nobody did.
    pub(super) fn answer(&mut self, said: Said) -> bool {
        match said {
            Said::One(element) => {
                let Some(id) = self.place(element) else { return false };
                if self.asks.get(&id).is_some_and(|pending| pending.answers.len() >= pending.rows.len()) {
                    self.close(id);
                }
                true
            }
            Said::Batch(elements) => {
                let answered: BTreeSet<u64> =
                    elements.into_iter().filter_map(|element| self.place(element)).collect();
                answered.iter().for_each(|id| self.close(*id));
                !answered.is_empty()
            }
        }
    }

    /// Puts an element to the question that it answers, and says to which.
    fn place(&mut self, element: Element) -> Option<u64> {
        let Name { row, key } = &element.name;
        let asked = row.and_then(|row| self.rows.get(&row).copied());
        let asked = asked.or_else(|| self.by_key(key.as_deref()?));
        let Some((id, pending)) = asked.and_then(|id| Some((id, self.asks.get_mut(&id)?))) else {
            // Once is enough to be told; a program may do it with every line.
            if !std::mem::replace(&mut self.strays, true) {
                tracing::warn!(row, "a program answered for a row it was not asked for");
            }
            return None;
        };
        pending.answers.push(element);
        Some(id)
    }

    fn by_key(&self, key: &str) -> Option<u64> {
        let has = |pending: &Pending| pending.rows.iter().any(|row| *row.key == *key);
        self.asks.iter().find(|(_, pending)| has(pending)).map(|(id, _)| *id)
    }

    fn close(&mut self, id: u64) {
        let was_oldest = self.asks.first_key_value().is_some_and(|(oldest, _)| *oldest == id);
        let Some(pending) = self.asks.remove(&id) else { return };
        if was_oldest {
            self.since = Instant::now();
        }
        for row in &pending.rows {
            self.rows.remove(&row.index.row());
        }
        pending.asker.reply(Ok(pending.answers));
    }

    pub(super) fn has_given_up(&self) -> bool {
        self.asks.values().any(|pending| pending.asker.has_given_up())
    }

    /// When the oldest question has to be answered; `None` when that is over.
    pub(super) fn due(&self, timeout: Duration) -> Option<Instant> {
        let now = Instant::now();
        let due = if self.asks.is_empty() { now + timeout } else { self.since + timeout };
        (due > now).then_some(due)
    }

    /// Tells everybody that the child died. A row that is asked beside nothing but questions that were given up is
    /// asked again: the child may have died of one of those, and then it would use up a try for nothing.
    pub(super) fn died(&mut self, message: &str) {
        let rows = |given_up: bool| {
            let asks = self.asks.values().filter(|pending| pending.asker.has_given_up() == given_up);
            asks.map(|pending| pending.rows.len()).sum::<usize>()
        };
        let why = match (rows(false), rows(true)) {
            (1, 0) => Unanswered::Died(message.to_owned()),
            (1, _) => Unanswered::Again,
            _ => Unanswered::DiedOfOne,
        };
        self.end(|| why.clone());
    }

    /// Tells whoever asked first that it took too long, and everybody else to ask again.
    pub(super) fn late(&mut self) {
        if let Some((_, oldest)) = self.asks.pop_first() {
            oldest.asker.reply(Err(Unanswered::Late));
        }
        self.again();
    }

    /// Tells everybody to ask again.
    pub(super) fn again(&mut self) {
        self.end(|| Unanswered::Again);
    }

    fn end(&mut self, why: impl Fn() -> Unanswered) {
        self.rows.clear();
        for (_, pending) in std::mem::take(&mut self.asks) {
            pending.asker.reply(Err(why()));
        }
    }
}

#[cfg(test)]
mod tests {
    use onward_core::id::RowIndex;
    use onward_core::input::Fields;
    use tokio::sync::mpsc;

    use super::*;
    use crate::command::lane::Reply;

    fn ask(open: &mut Open, row: u64) -> mpsc::UnboundedReceiver<(usize, Reply)> {
        let (to, replies) = mpsc::unbounded_channel();
        let row = InputRow {
            index: RowIndex::from_row(row).expect("rows count from 1"),
            line: row,
            key: row.to_string().into(),
            fields: Fields::default(),
            decided: None,
        };
        open.take(Ask {
            rows: vec![Arc::new(row)],
            lines: Vec::new(),
            asker: Asker::new(to, 0, &Arc::default()),
        });
        replies
    }

    #[test]
    fn a_row_beside_one_that_was_given_up_is_not_to_blame_for_a_death() {
        let mut open = Open::new();
        drop(ask(&mut open, 7));
        let mut beside = ask(&mut open, 8);
        open.died("the program ended");
        assert!(matches!(beside.try_recv(), Ok((_, Err(Unanswered::Again)))), "it is asked again");

        let mut alone = ask(&mut open, 8);
        open.died("the program ended");
        assert!(
            matches!(alone.try_recv(), Ok((_, Err(Unanswered::Died(_))))),
            "now nothing else can be to blame"
        );

        let (mut one, mut other) = (ask(&mut open, 8), ask(&mut open, 9));
        drop(ask(&mut open, 7));
        open.died("the program ended");
        for told in [one.try_recv(), other.try_recv()] {
            assert!(matches!(told, Ok((_, Err(Unanswered::DiedOfOne)))), "nobody knows of which of them");
        }
    }
}
