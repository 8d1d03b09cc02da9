//! Takes one record apart into fields, with csv-core, reusing its buffers.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// The fields of the record last parsed.
pub(crate) struct Fields {
    reader: Reader,
    text: String,
    ends: Vec<usize>,
    count: usize,
}

impl Fields {
    /// A parser for records with this delimiter.
    pub(crate) fn new(delimiter: u8) -> Self {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
        // csv-core takes a byte order mark off the first bytes it sees; here these are not the file's.
        let _ = reader.read_record(b"\n", &mut [0], &mut [0]);
        Self { reader, text: String::new(), ends: Vec::new(), count: 0 }
    }

    /// Parses one record without its line end; `fields` is how many it has. Bytes that are no UTF-8
    /// become U+FFFD, and the answer is then false.
    pub(crate) fn parse(&mut self, record: &[u8], fields: usize) -> bool {
        let mut output = std::mem::take(&mut self.text).into_bytes();
        if output.len() < record.len() + 1 {
            output.resize((record.len() + 1).next_power_of_two(), 0);
        }
        if self.ends.len() < fields + 1 {
            self.ends.resize(fields + 1, 0);
        }
        let (_, _, written, found) = self.reader.read_record(record, &mut output, &mut self.ends);
        let (result, _, _, last) =
            self.reader.read_record(b"\n", &mut output[written..], &mut self.ends[found..]);
        debug_assert_eq!(result, ReadRecordResult::Record, "the splitter and csv-core agree on records");
        self.count = found + last;
        debug_assert_eq!(self.count, fields, "the splitter and csv-core agree on fields");
        let clean = std::str::from_utf8(record).is_ok();
        if clean {
            // Unused bytes of the buffer are zeros or older text; they are cut at a known end.
            output.truncate(written);
            self.text = String::from_utf8(output).unwrap_or_else(|error| replace(&error.into_bytes()));
        } else {
            self.replace_broken(&output);
        }
        clean
    }

    /// Forgets the record; `len` empty fields remain.
    pub(crate) fn clear(&mut self, len: usize) {
        self.text.clear();
        self.count = 0;
        self.resize(len);
    }

    /// How many fields the record has.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The field at a position, empty beyond the end.
    pub(crate) fn get(&self, at: usize) -> &str {
        if at >= self.count {
            return "";
        }
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.text.get(start..self.ends[at]).unwrap_or("")
    }

    /// The fields in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.count).map(|at| self.get(at))
    }

    /// Keeps `len` fields: cuts the record, or fills it up with empty fields.
    pub(crate) fn resize(&mut self, len: usize) {
        let end = self.count.checked_sub(1).map_or(0, |last| self.ends[last]);
        if self.ends.len() < len {
            self.ends.resize(len, 0);
        }
        if len > self.count {
            self.ends[self.count..len].fill(end);
        }
        self.count = len;
    }

    /// Empties a field that is too large to keep, and says whether one was.
    pub(crate) fn drop_larger_than(&mut self, bytes: usize) -> bool {
        if self.text.len() <= bytes || self.iter().all(|field| field.len() <= bytes) {
            return false;
        }
        let kept: Vec<String> = self
            .iter()
            .map(|field| if field.len() > bytes { String::new() } else { field.to_owned() })
            .collect();
        self.set(kept.iter().map(String::as_str));
        true
    }

    fn replace_broken(&mut self, output: &[u8]) {
        let mut start = 0;
        let mut kept = Vec::with_capacity(self.count);
        for end in &self.ends[..self.count] {
            kept.push(replace(&output[start..*end]));
            start = *end;
        }
        self.set(kept.iter().map(String::as_str));
    }

    fn set<'a>(&mut self, fields: impl Iterator<Item = &'a str>) {
        self.text.clear();
        for (at, field) in fields.enumerate() {
            self.text.push_str(field);
            self.ends[at] = self.text.len();
        }
    }
}

fn replace(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
