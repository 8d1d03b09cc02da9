//! Arguments of a command with placeholders: `{field}` as a whole argument or a part of one.

use onward_core::input::InputRow;
use onward_core::processor::{Answer, Call};

use crate::answers::failed;

/// An argument: texts and fields in turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Argument(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(String),
}

impl Argument {
    /// Reads one word: `{field}` is a field, also by its header such as `{Instagram name}`, `{}` the row's key, `{{` and `}}` are braces.
    pub(super) fn read(word: &str, key: Option<&str>) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = word;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
                continue;
            }
            let name = if brace == "{" { after.split_once('}') } else { None };
            let Some((name, after)) = name else {
                return Err(format!("`{word}`: a brace that means a brace is written twice, {{{{ or }}}}"));
            };
            let field = match name {
                "" => key.ok_or("`{}` stands for the key, and the recipe names none")?,
                // Any header of the file may stand there; whether it has it is known once there is a file.
                name if !name.trim().is_empty() && !name.contains(['{', '\n']) => name.trim(),
                _ => {
                    return Err(format!(
                        "`{{{name}}}` is no field; a brace that means a brace is written twice"
                    ));
                }
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Field(field.to_owned()));
            rest = after;
        }
        text.push_str(rest);
        if !text.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self(pieces))
    }

    /// The fields in it.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Field(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Whether a row decides how it begins.
    pub(super) fn begins_with_field(&self) -> bool {
        matches!(self.0.first(), Some(Piece::Field(_)))
    }

    /// The argument for a row.
    pub(super) fn fill(&self, call: &Call, row: &InputRow) -> Result<String, Answer> {
        let mut word = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => word.push_str(text),
                Piece::Field(name) => word.push_str(value(call, row, name).ok_or_else(|| {
                    let message = format!("the file has no column `{name}`, which the command uses");
                    failed("missing-column", message)
                })?),
            }
        }
        if word.contains('\0') {
            return Err(failed("bad-argument", "a NUL character cannot be passed to a program"));
        }
        Ok(word)
    }
}

/// The value of a field that is named as such or by its header.
fn value<'a>(call: &Call, row: &'a InputRow, name: &str) -> Option<&'a str> {
    call.columns.find(name).and_then(|at| row.fields.get(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(word: &str) -> Result<Vec<String>, String> {
        let show = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(name) => format!("<{name}>"),
        };
        Argument::read(word, Some("handle")).map(|argument| argument.0.iter().map(show).collect())
    }

    #[test]
    fn placeholders_are_a_whole_or_a_part_of_an_argument() {
        for (word, pieces) in [
            ("{handle}", &["<handle>"][..]),
            ("--name={handle}.json", &["--name=", "<handle>", ".json"]),
            ("{}", &["<handle>"]),
            ("{ Instagram name }!", &["<Instagram name>", "!"]),
            ("{Followers (k)}", &["<Followers (k)>"]),
            ("{a}{b}", &["<a>", "<b>"]),
            ("{{print $1}}", &["{print $1}"]),
            ("plain", &["plain"]),
            ("", &[""]),
        ] {
            assert_eq!(read(word).unwrap(), pieces, "{word}");
        }
        for wrong in ["{handle", "a}", "{ }", "{a{b}", "{print}x}"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(Argument::read("{}", None).is_err());
    }
}
