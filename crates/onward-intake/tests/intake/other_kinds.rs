//! Files that are no CSV: each is refused with what it is.

use crate::support::{accepted, refused};

#[test]
fn files_of_another_kind_are_named() {
    for (head, name) in [
        (&b"\x1f\x8b\x08\x00rest"[..], "gzip"),
        (b"PK\x03\x04....mimetype.xl/workbook.xml", "xlsx"),
        (b"PK\x03\x04....word/document.xml", "docx"),
        (b"PK\x03\x04....../../x", "zip"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n....", "PNG"),
        (b"\xff\xd8\xff\xe0..JFIF", "JPEG"),
        (b"PAR1\x15\x04\x15", "Parquet"),
        (b"\x28\xb5\x2f\xfd\x04", "Zstandard"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        (b"SQLite format 3\0", "SQLite"),
        (b"<?xml version=\"1.0\"?><rows/>", "XML"),
    ] {
        let (code, message) = refused(head);
        assert_eq!(code, "unsupported-type", "{name}");
        assert!(message.starts_with("this is ") && message.contains(name), "{message}");
    }
}

#[test]
fn a_list_may_begin_with_a_word_that_is_also_magic() {
    assert_eq!(accepted("PAR1,b\nx,1\n").summary.columns, ["PAR1", "b"]);
    assert_eq!(accepted("BZh,b\nx,1\n").summary.columns, ["BZh", "b"]);
}

#[test]
fn a_web_page_is_refused() {
    for page in ["<!DOCTYPE html><html>", "\n  <HTML><body>log in", "\u{feff}<!-- x --><html>"] {
        assert_eq!(refused(page).0, "looks-like-html", "{page}");
    }
    assert_eq!(accepted("<name>,b\nx,1\n").summary.columns, ["<name>", "b"]);
}

#[test]
fn json_is_refused() {
    for text in ["[{\"a\": 1}]", "{\"a\": 1}\n{\"a\": 2}\n", " [1, 2, 3]", "{\"a\": [1, 2", "[]"] {
        assert_eq!(refused(text).0, "looks-like-json", "{text}");
    }
    assert_eq!(accepted("[handle],b\nx,1\n").summary.columns, ["[handle]", "b"]);
    assert_eq!(accepted("[1],b\nx,1\n").summary.columns, ["[1]", "b"]);
}

#[test]
fn binary_data_is_refused() {
    let data: Vec<u8> = (0..4_096_u32).flat_map(|n| [(n * 7 % 251) as u8, 0, 0, (n % 13) as u8]).collect();
    assert_eq!(refused(data).0, "unsupported-type");
}
