//! Chunks as they are stored: packed, checked, and taken apart again.

use std::ops::ControlFlow;

use onward_core::id::{InputId, RowIndex, SpanNo};
use onward_core::input::{Chunk, Duplicates, InputSummary};
use onward_intake::{Limits, unpack};

use crate::support::{creators, take};

fn stored(file: &str) -> (InputSummary, Vec<Chunk>) {
    let mut chunks = Vec::new();
    let mut keep = |chunk| {
        chunks.push(chunk);
        ControlFlow::Continue(())
    };
    let id = InputId("0199b000-0000-7000-8000-000000000000".parse().unwrap());
    let limits = Limits::default();
    let read =
        onward_intake::read(&mut file.as_bytes(), &creators(), "../x/list.csv", id, &limits, &mut keep);
    (read.unwrap().0, chunks)
}

fn list(rows: u32) -> String {
    let rows: String = (0..rows).map(|n| format!("user{n},{n}\n")).collect();
    format!("handle,n\n{rows}")
}

#[test]
fn there_is_one_chunk_per_span() {
    let (summary, chunks) = stored(&list(7_313));
    assert_eq!(summary.rows, 7_313);
    let sizes: Vec<u32> = chunks.iter().map(|chunk| chunk.rows).collect();
    assert_eq!(sizes, [&[100; 50][..], &[1_000, 1_000, 313]].concat());
    for (at, chunk) in chunks.iter().enumerate() {
        assert_eq!(chunk.no, SpanNo(at as u32));
        let rows = unpack(chunk, &Duplicates::default()).unwrap();
        assert_eq!(rows[0].index, chunk.first);
        assert_eq!(rows[0].fields[1], chunk.first.0.to_string());
    }
}

#[test]
fn a_full_last_span_leaves_no_empty_chunk() {
    assert_eq!(stored(&list(200)).1.len(), 2);
}

#[test]
fn the_summary_has_the_facts_of_the_upload() {
    let file = list(3);
    let (summary, _) = stored(&file);
    assert_eq!(summary.bytes, file.len() as u64);
    assert_eq!(summary.filename, "list.csv");
    assert_eq!(summary.columns, ["handle", "n"]);
    // printf 'handle,n\nuser0,0\nuser1,1\nuser2,2\n' | sha256sum
    assert_eq!(summary.sha256, "e656095eb1e8c4bd0eea27fd106aaec3e7471ea81a10bea6aaed86a66572b313");
}

#[test]
fn any_flipped_bit_is_found() {
    let (_, chunks) = stored(&list(100));
    for at in 0..chunks[0].packed.len() {
        let mut broken = chunks[0].clone();
        broken.packed[at] ^= 1 << (at % 8);
        assert!(unpack(&broken, &Duplicates::default()).is_err(), "byte {at}");
    }
}

#[test]
fn a_chunk_in_the_place_of_another_is_found() {
    let (_, chunks) = stored(&list(300));
    let mut swapped = chunks[1].clone();
    swapped.no = chunks[0].no;
    swapped.first = chunks[0].first;
    let error = unpack(&swapped, &Duplicates::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "chunk 0 of the stored file is damaged: it holds other rows than it should; attach the file again"
    );
    let mut fewer = chunks[0].clone();
    fewer.rows -= 1;
    assert!(unpack(&fewer, &Duplicates::default()).is_err());
}

#[test]
fn a_chunk_that_is_cut_off_is_found_also_with_a_digest_that_fits() {
    use sha2::Digest;
    let (_, chunks) = stored(&list(100));
    for len in 0..chunks[0].packed.len() {
        let mut cut = chunks[0].clone();
        cut.packed.truncate(len);
        cut.digest = onward_core::hex::hex(&sha2::Sha256::digest(&cut.packed));
        assert!(unpack(&cut, &Duplicates::default()).is_err(), "{len} bytes");
    }
}

#[test]
fn decisions_and_lines_survive_storage() {
    let taken = take("handle,n\nanna\n\nberta,2\nANNA,\"x\ny\"\nberta,3\n", &creators()).unwrap();
    assert_eq!(taken.codes(), ["missing-columns", "", "", "duplicate"]);
    assert_eq!(taken.lines(), [2, 4, 5, 7]);
    assert_eq!(taken.rows[3].index, RowIndex(3));
    assert_eq!(&*taken.rows[3].key, "berta");
}
