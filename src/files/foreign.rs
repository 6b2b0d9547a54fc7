//! Engines that no store of a manifest is of, known by their first bytes.

use std::ffi::OsStr;

/// A file that only one engine makes.
struct Sign {
    engine: &'static str,
    /// The file's name where its bytes alone do not tell.
    name: Option<&'static str>,
    offset: usize,
    bytes: &'static [u8],
    /// Whether the file is one of many that make up the database, and the directory is the whole.
    directory: bool,
}

const SIGNS: [Sign; 9] = [
    // "InnoDB Page Structure" of MySQL's internals: the first page of a tablespace is of type FIL_PAGE_TYPE_FSP_HDR.
    Sign {
        engine: "MySQL or MariaDB",
        name: Some("ibdata1"),
        offset: 24,
        bytes: &[0, 8],
        directory: true,
    },
    // WiredTiger's file of this name begins with the library's name; MongoDB's data directory has it.
    Sign {
        engine: "MongoDB (WiredTiger)",
        name: Some("WiredTiger"),
        offset: 0,
        bytes: b"WiredTiger",
        directory: true,
    },
    // The magic of LMDB's meta page, behind the header of a page.
    Sign {
        engine: "LMDB",
        name: None,
        offset: 16,
        bytes: &[0xde, 0xc0, 0xef, 0xbe],
        directory: false,
    },
    // libmdbx: the same place in a header of 20 bytes; the lowest byte of the word is the format's version.
    Sign {
        engine: "MDBX",
        name: None,
        offset: 21,
        bytes: &[0x11, 0x4c, 0xef, 0xbd, 0x9d, 0x65, 0x59],
        directory: false,
    },
    Sign {
        engine: "DuckDB",
        name: None,
        offset: 8,
        bytes: b"DUCK",
        directory: false,
    },
    Sign {
        engine: "redb",
        name: None,
        offset: 0,
        bytes: b"redb\x1a\n\xa9\r\n",
        directory: false,
    },
    Sign {
        engine: "Redis or Valkey",
        name: None,
        offset: 0,
        bytes: b"REDIS0",
        directory: false,
    },
    // magic(5): the trees and the hashes of Berkeley DB.
    Sign {
        engine: "Berkeley DB",
        name: None,
        offset: 12,
        bytes: &[0x62, 0x31, 0x05, 0x00],
        directory: false,
    },
    Sign {
        engine: "Berkeley DB",
        name: None,
        offset: 12,
        bytes: &[0x61, 0x15, 0x06, 0x00],
        directory: false,
    },
];

/// The engine of a file with this name and these first bytes, and whether its directory is the database.
pub(super) fn engine(name: &OsStr, head: &[u8]) -> Option<(&'static str, bool)> {
    SIGNS
        .iter()
        .find(|sign| {
            sign.name.is_none_or(|known| name == known)
                && head
                    .get(sign.offset..)
                    .is_some_and(|rest| rest.starts_with(sign.bytes))
        })
        .map(|sign| (sign.engine, sign.directory))
}
