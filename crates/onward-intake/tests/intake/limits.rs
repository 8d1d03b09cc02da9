//! Bounds: whatever is larger is refused, or fails its row, without being held in memory.

use std::io::{self, Read};
use std::ops::ControlFlow;

use onward_core::id::InputId;
use onward_intake::Limits;

use crate::support::{accepted, plain, take, take_from};

/// Gives `first`, then `pattern` again and again, and counts what was taken.
struct Endless {
    first: Vec<u8>,
    pattern: &'static [u8],
    given: usize,
    most: usize,
}

impl Endless {
    fn new(first: &str, pattern: &'static [u8], most: usize) -> Self {
        Self { first: first.as_bytes().to_vec(), pattern, given: 0, most }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.most - self.given);
        for slot in &mut buffer[..count] {
            *slot = match self.first.get(self.given) {
                Some(byte) => *byte,
                None => self.pattern[(self.given - self.first.len()) % self.pattern.len()],
            };
            self.given += 1;
        }
        Ok(count)
    }
}

const GIB: usize = 1 << 30;

#[test]
fn a_header_of_a_million_columns_is_refused_within_two_mebibytes() {
    for pattern in [&b"c,"[..], b",", b"\"c\","] {
        let mut bomb = Endless::new("a,", pattern, GIB);
        let problem = take_from(&mut bomb, &plain(), &Limits::default()).unwrap_err();
        assert_eq!(problem.code.word(), "too-many-columns");
        assert!(bomb.given <= 2 << 20, "{} bytes were read", bomb.given);
    }
}

#[test]
fn a_header_just_too_wide_is_refused() {
    let header = |columns: usize| format!("{}\n", vec!["c"; columns].join(","));
    let problem = take(header(1_025) + "1\n", &plain()).unwrap_err();
    assert_eq!(problem.code.word(), "too-many-columns");
    assert_eq!(problem.facts["limit"], 1_024);
    assert_eq!(take(header(1_024) + "1\n", &plain()).unwrap().codes(), ["missing-columns"]);
}

#[test]
fn a_row_too_wide_fails_alone_however_long_it_is() {
    for columns in [1_025, 1_100_000] {
        let file = format!("a,b\n1,2\n{}\n3,4\n", ",".repeat(columns));
        let taken = accepted(&file);
        assert_eq!(taken.codes(), ["", "record-too-wide", ""]);
        assert_eq!(taken.fields()[1], ["", ""]);
        assert_eq!(taken.fields()[2], ["3", "4"]);
        assert_eq!(taken.lines(), [2, 3, 4]);
    }
}

#[test]
fn one_huge_field_is_refused_soon() {
    let mut bomb = Endless::new("a,b\n1,", b"x", GIB);
    let problem = take_from(&mut bomb, &plain(), &Limits::default()).unwrap_err();
    assert_eq!(problem.code.word(), "record-too-large");
    assert_eq!(problem.facts["line"], 2);
    assert!(bomb.given <= 2 << 20);
}

#[test]
fn a_large_field_fails_its_row() {
    let fits = "x".repeat(256 << 10);
    let taken = accepted(format!("a,b\n{fits},1\n{fits}y,2\n"));
    assert_eq!(taken.codes(), ["", "field-too-large"]);
    assert_eq!(taken.fields()[1], ["", "2"]);
}

#[test]
fn too_many_rows_are_refused_while_reading() {
    let limits = Limits { rows: 10_000, ..Limits::default() };
    let mut endless = Endless::new("a,b\n", b"1,2\n", GIB);
    let problem = take_from(&mut endless, &plain(), &limits).unwrap_err();
    assert_eq!(problem.code.word(), "too-many-rows");
    assert_eq!(problem.facts["limit"], 10_000);
    assert!(endless.given < 1 << 20);
    let file = format!("a\n{}", "1\n".repeat(10_000));
    assert_eq!(take_from(&mut file.as_bytes(), &plain(), &limits).unwrap().summary.rows, 10_000);
}

#[test]
fn too_many_bytes_are_refused_while_reading() {
    let limits = Limits { upload_bytes: 300_000, ..Limits::default() };
    let mut endless = Endless::new("a,b\n", b"1,2\n", GIB);
    let problem = take_from(&mut endless, &plain(), &limits).unwrap_err();
    assert_eq!(problem.code.word(), "too-large");
    assert!(endless.given < 1 << 20);
}

#[test]
fn rows_of_a_span_that_are_too_much_together_are_refused() {
    let row = format!("{},{}\n", "x".repeat(200_000), "y".repeat(200_000));
    let problem = take(format!("a,b\n{}", row.repeat(100)), &plain()).unwrap_err();
    assert_eq!(problem.code.word(), "record-too-large");
    assert!(problem.detail.contains("rows 1 to "), "{}", problem.detail);
}

#[test]
fn an_upload_that_breaks_off_is_reported() {
    struct Broken(u32);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => Err(io::ErrorKind::Interrupted.into()),
                2 => {
                    buffer[..4].copy_from_slice(b"a,b\n");
                    Ok(4)
                }
                _ => Err(io::ErrorKind::ConnectionReset.into()),
            }
        }
    }
    let problem = take_from(&mut Broken(0), &plain(), &Limits::default()).unwrap_err();
    assert_eq!(problem.code.word(), "upload-aborted");
    assert_eq!(problem.facts["bytes"], 4);
}

#[test]
fn the_caller_may_break_off() {
    let file = format!("a\n{}", "1\n".repeat(1_000));
    let mut seen = 0;
    let mut stop = |_| {
        seen += 1;
        ControlFlow::Break(())
    };
    let id = InputId("00000000-0000-0000-0000-000000000000".parse().unwrap());
    let limits = Limits::default();
    let answer = onward_intake::read(&mut file.as_bytes(), &plain(), "x", id, &limits, &mut stop);
    assert_eq!(answer.unwrap_err().code.word(), "upload-aborted");
    assert_eq!(seen, 1);
}
