//! A disk that loses power: what was recorded, and what may be left of it.
//!
//! The rule is the one POSIX gives and no more. What was written before a sync of its file that has
//! ended is there. Of what was written later, any part may be there and any part missing, in any order,
//! down to single sectors. A name made or taken away counts once its folder was synced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a disk writes as a whole or not at all.
const SECTOR: usize = 512;

/// One thing a process did to a file.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Named,
    Wrote { offset: usize, bytes: Vec<u8> },
    Truncated { len: usize },
    Synced,
    Unnamed,
}

/// Reads what the recorder wrote.
pub(super) fn read_record(path: &Path) -> Vec<(PathBuf, Deed)> {
    let bytes = std::fs::read(path).expect("the recorder wrote its record");
    let mut rest = bytes.as_slice();
    let mut deeds = Vec::new();
    while let Some((head, tail)) = rest.split_at_checked(21) {
        let path_len = u32::from_le_bytes(head[1..5].try_into().unwrap()) as usize;
        let offset = u64::from_le_bytes(head[5..13].try_into().unwrap()) as usize;
        let len = u64::from_le_bytes(head[13..21].try_into().unwrap()) as usize;
        let (path, tail) = tail.split_at(path_len);
        let path = PathBuf::from(std::str::from_utf8(path).unwrap());
        let (bytes, tail) = if head[0] == b'W' { tail.split_at(len) } else { (&[][..], tail) };
        let deed = match head[0] {
            b'N' => Deed::Named,
            b'W' => Deed::Wrote { offset, bytes: bytes.to_vec() },
            b'T' => Deed::Truncated { len: offset },
            b'S' => Deed::Synced,
            b'U' => Deed::Unnamed,
            other => panic!("the record has a deed {other}"),
        };
        deeds.push((path, deed));
        rest = tail;
    }
    deeds
}

/// What the power cut does with writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// All of them are gone.
    Lost,
    /// Each is there or gone, or torn, as the dice fall.
    Mixed,
    /// All of them are there: the cut came just late enough.
    Kept,
}

/// A file as far as it is certain, and what is not.
#[derive(Debug, Clone, Default)]
struct File {
    synced: Vec<u8>,
    pending: Vec<Deed>,
}

/// A folder as far as it is certain, and what is not.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    folder: PathBuf,
    /// Every file that ever was, by a number of its own: a name can be made again.
    files: Vec<File>,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
}

impl Disk {
    pub(super) fn new(folder: &Path) -> Self {
        let (names, synced_names) = (BTreeMap::new(), BTreeMap::new());
        Self { folder: folder.to_owned(), files: Vec::new(), names, synced_names }
    }

    /// Does what the process did.
    pub(super) fn apply(&mut self, path: &Path, deed: &Deed) {
        if path == self.folder {
            self.synced_names = self.names.clone();
            return;
        }
        match deed {
            Deed::Named => {
                self.files.push(File::default());
                self.names.insert(path.to_owned(), self.files.len() - 1);
            }
            Deed::Unnamed => {
                self.names.remove(path);
            }
            Deed::Wrote { .. } | Deed::Truncated { .. } => {
                let file = self.names[path];
                self.files[file].pending.push(deed.clone());
            }
            Deed::Synced => {
                let number = self.names[path];
                let file = &mut self.files[number];
                for deed in std::mem::take(&mut file.pending) {
                    carry_out(&mut file.synced, &deed);
                }
            }
        }
    }

    /// Writes what is left after a power cut into another folder.
    pub(super) fn cut(&self, fate: Fate, dice: &mut Dice, to: &Path) {
        for name in
            self.names.keys().chain(self.synced_names.keys()).collect::<std::collections::BTreeSet<_>>()
        {
            let (now, certain) = (self.names.get(name), self.synced_names.get(name));
            let survives = match fate {
                Fate::Lost => certain,
                Fate::Kept => now,
                Fate::Mixed if now == certain || dice.below(2) == 0 => now,
                Fate::Mixed => certain,
            };
            let Some(file) = survives.map(|number| &self.files[*number]) else { continue };
            let left = file.left(fate, dice);
            let place = to.join(name.file_name().expect("a file has a name"));
            std::fs::write(place, left).expect("the folder of the cut takes files");
        }
    }
}

impl File {
    fn left(&self, fate: Fate, dice: &mut Dice) -> Vec<u8> {
        let mut left = self.synced.clone();
        for deed in &self.pending {
            match fate {
                Fate::Lost => {}
                Fate::Kept => carry_out(&mut left, deed),
                Fate::Mixed => match (dice.below(3), deed) {
                    (0, _) => {}
                    (1, Deed::Wrote { offset, bytes }) => tear(&mut left, *offset, bytes, dice),
                    _ => carry_out(&mut left, deed),
                },
            }
        }
        left
    }
}

fn carry_out(file: &mut Vec<u8>, deed: &Deed) {
    match deed {
        Deed::Wrote { offset, bytes } => place(file, *offset, bytes),
        Deed::Truncated { len } => file.resize(*len, 0),
        Deed::Named | Deed::Synced | Deed::Unnamed => {}
    }
}

/// Some sectors of a write are there and the others are not.
fn tear(file: &mut Vec<u8>, offset: usize, bytes: &[u8], dice: &mut Dice) {
    let mut at = 0;
    while at < bytes.len() {
        let end = ((offset + at) / SECTOR * SECTOR + SECTOR - offset).min(bytes.len());
        if dice.below(2) == 0 {
            place(file, offset + at, &bytes[at..end]);
        }
        at = end;
    }
}

fn place(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

/// Dice that fall the same for the same seed (splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
