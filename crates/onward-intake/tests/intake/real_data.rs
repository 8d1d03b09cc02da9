//! Every file of the shared data is taken or refused, and each as it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use onward_core::recipe::Recipe;
use serde_json::json;

use crate::support::{Taken, headerless, plain, recipe, shared_data, take};

/// How a file is read.
#[derive(Debug, Clone, Copy)]
enum By {
    /// As it comes.
    Plain,
    /// `[input] header = false`
    NoHeader,
    /// `[input] comment = "#"`
    Comments,
    /// `[input] header = false, comment = "#"`
    CommentsNoHeader,
    /// `[input] delimiter = ":"`
    Colons,
}

impl By {
    fn recipe(self) -> Recipe {
        match self {
            Self::Plain => plain(),
            Self::NoHeader => headerless(),
            Self::Comments => recipe(json!({"input": {"comment": "#"}})),
            Self::CommentsNoHeader => recipe(json!({"input": {"comment": "#", "header": false}})),
            Self::Colons => recipe(json!({"input": {"delimiter": ":"}})),
        }
    }
}

/// What becomes of a file.
#[derive(Debug)]
enum Becomes {
    /// Rows and columns; how many rows are decided at intake, by code.
    Rows(u64, usize, &'static [(&'static str, u64)]),
    /// Refused with this code.
    Refused(&'static str),
}

use Becomes::{Refused, Rows};
use By::{Colons, Comments, CommentsNoHeader, NoHeader, Plain};

const FILES: &[(&str, By, Becomes)] = &[
    ("nasty/csv-async/cities_incomplete_row.csv", Plain, Rows(7, 4, &[("missing-columns", 1)])),
    ("nasty/csv-async/cities_non_int.csv", Plain, Rows(7, 4, &[])),
    ("nasty/csv-async/cities_ok.csv", Plain, Rows(7, 4, &[])),
    ("nasty/csv-async/cities_pl_win1250.csv", Plain, Rows(7, 4, &[])),
    // The comment is the header: without the option all rows are too wide, and nothing is hidden.
    ("nasty/csv-async/invalid_date_time.csv", Plain, Rows(4, 1, &[("extra-columns", 4)])),
    ("nasty/csv-async/invalid_date_time.csv", Comments, Rows(3, 2, &[])),
    ("nasty/duckdb/multiple_errors.csv", Plain, Rows(7, 4, &[("extra-columns", 2), ("missing-columns", 3)])),
    ("nasty/duckdb/nightmare.csv", Plain, Rows(47, 3, &[("extra-columns", 1), ("missing-columns", 1)])),
    ("nasty/duckdb/small_mix.csv", Plain, Rows(4, 4, &[("extra-columns", 1), ("missing-columns", 1)])),
    ("nasty/duckdb/unquoted_new_line.csv", Plain, Rows(7, 2, &[])),
    ("nasty/papaparse/sample-header.csv", Plain, Rows(2, 2, &[])),
    ("nasty/papaparse/sample.csv", Plain, Rows(1, 3, &[])),
    ("nasty/papaparse/slow-sample.csv", Plain, Rows(1, 3, &[])),
    ("nasty/papaparse/utf-8-bom-sample.csv", Plain, Rows(1, 3, &[])),
    ("nasty/papaparse/verylong-sample.csv", Plain, Rows(2_000, 3, &[("missing-columns", 4)])),
    ("nasty/papaparse/papaparse_cases.json", Plain, Refused("looks-like-json")),
    ("nasty/qsv/FCOServices_TransparencySpend_May2011.csv", Plain, Rows(4, 8, &[])),
    ("nasty/qsv/House.csv", Plain, Rows(6, 2, &[])),
    ("nasty/qsv/Inpatients_MHA_Machine_readable_dataset_1011.csv", Plain, Rows(327, 19, &[])),
    ("nasty/qsv/NYC311-5.csv.gz", Plain, Refused("unsupported-type")),
    ("nasty/qsv/NYC311-5.csv.zst", Plain, Refused("unsupported-type")),
    ("nasty/qsv/excel-xlsx.xlsx", Plain, Refused("unsupported-type")),
    ("nasty/qsv/NYC311-5.ssv", Plain, Rows(5, 41, &[])),
    ("nasty/qsv/NYC311-5.tab", Plain, Rows(5, 41, &[])),
    ("nasty/qsv/data1962.csv", Plain, Rows(300, 1, &[])),
    ("nasty/qsv/dedup-test.csv", Plain, Rows(44, 4, &[])),
    ("nasty/qsv/inputcommenttest.csv", Plain, Rows(13, 1, &[("extra-columns", 6)])),
    ("nasty/qsv/inputcommenttest.csv", Comments, Rows(5, 3, &[])),
    ("nasty/qsv/inputskiptest.csv", Plain, Rows(12, 1, &[("extra-columns", 6)])),
    ("nasty/qsv/issue2391-test_ids.csv", Plain, Rows(16, 3, &[])),
    ("nasty/qsv/iwfg09_Phos_river_200911.csv", Plain, Rows(26, 11, &[("blank", 3)])),
    ("nasty/qsv/snifftest-flexible.csv", Plain, Rows(8, 1, &[("extra-columns", 6)])),
    ("nasty/qsv/snifftest.csv", Plain, Rows(6, 1, &[("extra-columns", 4)])),
    ("nasty/qsv/spendover25kdownloadSep.csv", Plain, Rows(189, 8, &[])),
    ("nasty/qsv/test_sniff_delimiter.csv", Plain, Rows(10, 14, &[])),
    ("nasty/qsv/utf8-japanesedata.csv", Plain, Rows(62, 26, &[])),
    ("nasty/rust-csv/smallpop-colon.csv", Plain, Rows(10, 1, &[])),
    ("nasty/rust-csv/smallpop-colon.csv", Colons, Rows(10, 4, &[])),
    ("nasty/rust-csv/smallpop-no-headers.csv", NoHeader, Rows(10, 4, &[])),
    ("nasty/rust-csv/smallpop.csv", Plain, Rows(10, 4, &[])),
    ("nasty/rust-csv/strange.csv", CommentsNoHeader, Rows(6, 2, &[("missing-columns", 1)])),
    ("nasty/rust-csv/uspop-latin1.csv", Plain, Rows(100, 5, &[])),
    ("nasty/rust-csv/uspop-null.csv", Plain, Rows(100, 5, &[])),
    ("nasty/rust-csv/uspop.csv", Plain, Rows(100, 5, &[])),
    ("real/recfluence/Channels_analysis.csv", Plain, Rows(3_080, 7, &[])),
    ("real/recfluence/Channels_site_Rexport.csv", Plain, Rows(155, 8, &[])),
    ("real/recfluence/InfluencerInclude.csv", Plain, Refused("no-rows")),
    // One of the comment lines has four commas and so is a row when comments are not asked for.
    ("real/recfluence/SeedChannels.csv", Plain, Rows(543, 5, &[("missing-columns", 29)])),
    ("real/recfluence/SeedChannels.csv", Comments, Rows(513, 5, &[])),
    ("real/recfluence/Trending 2018-10-10.csv", Plain, Rows(3, 2, &[("extra-columns", 1)])),
    ("real/recfluence/Visits.csv", Plain, Rows(11_789, 10, &[])),
    ("real/smallweb/smallcomic.txt", NoHeader, Rows(406, 1, &[])),
    ("real/smallweb/smallweb.txt", NoHeader, Rows(36_515, 1, &[])),
    ("real/smallweb/smallweb_6_snapshots_concat.csv", Plain, Rows(114_259, 2, &[])),
    ("real/smallweb/smallyt.txt", NoHeader, Rows(258, 1, &[])),
    ("real/smallweb/yt_rejected.txt", NoHeader, Rows(293, 1, &[])),
    ("real/twitchbots/list.txt", NoHeader, Rows(1_227, 1, &[])),
];

#[test]
fn every_shared_file_becomes_what_it_should() {
    // A synthetic twin of the commonest shape: comments below the header, one as wide as a row.
    let twin = "Id,Title\n# a note\n# another, note\nx,y\n";
    assert_eq!(take(twin, &Comments.recipe()).unwrap().codes(), [""]);
    assert_eq!(take(twin, &plain()).unwrap().codes(), ["missing-columns", "", ""]);
    let Some(data) = shared_data() else { return };
    for (name, by, becomes) in FILES {
        let taken = take(std::fs::read(data.join(name)).unwrap(), &by.recipe());
        match (becomes, taken) {
            (Refused(code), Err(problem)) => assert_eq!(problem.code.word(), *code, "{name}"),
            (Rows(rows, columns, decided), Ok(taken)) => {
                assert_eq!(taken.summary.rows, *rows, "{name} {by:?}");
                assert_eq!(taken.summary.columns.len(), *columns, "{name} {by:?}");
                assert_eq!(decisions(&taken), decided.iter().copied().collect(), "{name} {by:?}");
            }
            (becomes, taken) => {
                panic!("{name}: {becomes:?}, but found {:?}", taken.map(|taken| taken.summary))
            }
        }
    }
}

fn decisions(taken: &Taken) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for code in taken.codes().into_iter().filter(|code| !code.is_empty()) {
        *counts.entry(code).or_default() += 1;
    }
    counts
}

#[test]
fn no_shared_file_is_left_out_of_the_table() {
    let Some(data) = shared_data() else { return };
    let mut found = BTreeSet::new();
    collect(&data, &mut found);
    let listed: BTreeSet<PathBuf> = FILES.iter().map(|(name, _, _)| data.join(name)).collect();
    let missing: Vec<_> = found.difference(&listed).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// All files but texts about the files, and those of csv-spectrum, which have truths of their own.
fn collect(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    const ABOUT: [&str; 5] = ["README.md", "LICENSE", "LICENSE-MIT", "COPYING", "UNLICENSE"];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "csv-spectrum" {
                collect(&path, found);
            }
        } else if !ABOUT.contains(&name) {
            found.insert(path);
        }
    }
}

#[test]
fn facts_of_real_files_are_as_their_readers_know_them() {
    // A synthetic twin: a blank first line shifts no row, and the rest of a line is part of it.
    let list = take("\nhttps://a/1 # Anna, B https://a/@anna\nhttps://a/2", &headerless()).unwrap();
    assert_eq!((list.summary.rows, list.summary.blank_lines), (2, 1));
    let Some(data) = shared_data() else { return };
    let read = |name: &str, recipe: &Recipe| take(std::fs::read(data.join(name)).unwrap(), recipe).unwrap();
    let channels = read("real/recfluence/Visits.csv", &recipe(json!({"key": ["FromChannelId"]})));
    let distinct = |id: &str| {
        let taken = read("real/recfluence/Visits.csv", &recipe(json!({"key": [id]})));
        taken.rows.iter().filter(|row| row.decided.is_none()).count()
    };
    assert_eq!(channels.count("duplicate") + distinct("FromChannelId"), 11_789);
    // With the header counted as a value there are 3,076.
    assert_eq!(distinct("ChannelId"), 3_075);
    let polish = read("nasty/csv-async/cities_pl_win1250.csv", &plain());
    assert_eq!(polish.fields()[0][0], "Gdańsk");
    assert_eq!(polish.summary.format.encoding, "windows-1250");
    let bare = read("nasty/qsv/FCOServices_TransparencySpend_May2011.csv", &plain());
    assert_eq!(bare.lines(), [2, 3, 4, 5]);
    let comma_urls = read("real/smallweb/smallweb.txt", &headerless());
    assert_eq!(comma_urls.rows[18_827].fields[0].matches(',').count(), 4);
}
