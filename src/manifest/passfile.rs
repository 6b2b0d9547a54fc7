//! The password file of libpq, `.pgpass` (PostgreSQL documentation, "The Password File").

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::endpoint::Host;
use crate::regular::read_regular;
use crate::secret::Secret;

/// The largest password file, in bytes.
const LARGEST: u64 = 1 << 20;

/// libpq was compiled for one of these as the default socket directory; `localhost` in the file stands for it.
const SOCKET_DIRECTORIES: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// A password file, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordFile {
    path: PathBuf,
    content: Result<Vec<Line>, String>,
    /// The numbers of lines that are no entries.
    broken: Vec<usize>,
}

/// One entry: host, port, database and role, and the password for them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: usize,
    keys: [Key; 4],
    password: Secret,
}

/// What one of the first four fields matches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Any,
    Text(String),
}

impl Key {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Text(own) => own == text,
        }
    }
}

impl PasswordFile {
    /// Reads the file. One that cannot be used says why, instead of any password.
    pub(super) fn read(path: &Path) -> Self {
        let mut file = Self {
            path: path.to_path_buf(),
            content: Ok(Vec::new()),
            broken: Vec::new(),
        };
        match bytes(path) {
            Ok(bytes) => file.content = Ok(file.entries(&bytes)),
            Err(reason) => file.content = Err(reason),
        }
        file
    }

    fn entries(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let number = index + 1;
            match std::str::from_utf8(line)
                .ok()
                .and_then(|line| entry(number, line))
            {
                Some(entry) => lines.push(entry),
                None => self.broken.push(number),
            }
        }
        lines
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the file is not used at all, if so.
    #[must_use]
    pub fn unusable(&self) -> Option<&str> {
        self.content.as_ref().err().map(String::as_str)
    }

    /// The password of the first line that fits, and the line's number.
    pub(super) fn lookup(
        &self,
        host: &Host,
        database: &str,
        user: &str,
    ) -> Option<(&Secret, usize)> {
        let port = host.port.to_string();
        let name = if SOCKET_DIRECTORIES.contains(&host.name.trim_end_matches('/')) {
            "localhost"
        } else {
            &host.name
        };
        self.content
            .as_ref()
            .ok()?
            .iter()
            .find(|line| {
                line.keys
                    .iter()
                    .zip([name, &port, database, user])
                    .all(|(key, text)| key.matches(text))
            })
            // An empty password is none.
            .filter(|line| !line.password.is_empty())
            .map(|line| (&line.password, line.number))
    }

    /// Why the file gives no password for `wanted`.
    pub(super) fn no_password(&self, wanted: &str) -> String {
        let shown = self.path.display();
        if let Some(reason) = self.unusable() {
            return format!("the password file {shown} was not used: {reason}");
        }
        let broken = match self.broken.as_slice() {
            [] => String::new(),
            [first, ..] => format!(
                "; line {first} is not HOST:PORT:DATABASE:ROLE:PASSWORD{}",
                match self.broken.len() - 1 {
                    0 => String::new(),
                    more => format!(" (and {more} more)"),
                }
            ),
        };
        format!("the password file {shown} has no password for {wanted}{broken}")
    }
}

/// The bytes of a file that only its owner can read, or why they are not used.
fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let metadata =
        std::fs::metadata(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(format!(
            "its mode is {mode:04o}, open to others; chmod 600 {}",
            path.display()
        ));
    }
    read_regular(path, LARGEST).map_err(|error| format!("it cannot be read: {error}"))
}

/// The entry on a line, if it is one.
fn entry(number: usize, line: &str) -> Option<Line> {
    let fields = fields(line);
    let [host, port, database, role, password, ..] = fields.as_slice() else {
        return None;
    };
    Some(Line {
        number,
        keys: [host, port, database, role].map(|(text, raw_star)| {
            if *raw_star {
                Key::Any
            } else {
                Key::Text(text.clone())
            }
        }),
        password: Secret::new(password.0.clone()),
    })
}

/// The fields without their escapes (`\:` and `\\`), and whether each is a plain `*`.
fn fields(line: &str) -> Vec<(String, bool)> {
    let mut fields = vec![];
    let (mut text, mut escaped) = (String::new(), false);
    let mut chars = line.chars();
    loop {
        match chars.next() {
            Some('\\') => {
                escaped = true;
                // A backslash at the end stands for itself.
                text.push(chars.next().unwrap_or('\\'));
            }
            Some(c) if c != ':' => text.push(c),
            end => {
                let star = text == "*" && !escaped;
                fields.push((std::mem::take(&mut text), star));
                escaped = false;
                if end.is_none() {
                    return fields;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Host, PasswordFile};

    const FILE: &str = "# a comment with c4nary\n\
        \n\
        not an entry c4nary\n\
        db\\:1:5432:d:u:with \\: and \\\\ in it\r\n\
        h:5432:d:u:first\n\
        h:5432:d:u:second\n\
        h:*:d:\\*:star\n\
        localhost:*:*:u:local:ignored\n\
        /srv/pg:*:*:u:socket\n\
        e:*:*:*:\n\
        *:6000:*:*:any\n\
        half:1:d:u\n";

    fn written(text: &[u8], mode: u32) -> (tempfile::TempDir, PasswordFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let file = PasswordFile::read(&path);
        (folder, file)
    }

    fn looked_up(file: &PasswordFile, name: &str, port: u16, user: &str) -> String {
        let host = Host {
            name: name.to_owned(),
            port,
        };
        match file.lookup(&host, "d", user) {
            Some((password, line)) => format!("{line} {}", password.expose()),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn the_first_line_that_fits_wins_as_for_libpq() {
        let (_folder, file) = written(FILE.as_bytes(), 0o600);
        for (name, port, user, expected) in [
            ("db:1", 5432, "u", "4 with : and \\ in it"),
            ("h", 5432, "u", "5 first"),
            ("h", 5433, "u", "none"),
            ("h", 5433, "*", "7 star"),
            ("localhost", 1, "u", "8 local"),
            ("/var/run/postgresql", 1, "u", "8 local"),
            ("/tmp/", 1, "u", "8 local"),
            ("127.0.0.1", 1, "u", "none"),
            ("/srv/pg", 1, "u", "9 socket"),
            ("e", 1, "u", "none"),
            ("x", 6000, "x", "11 any"),
            ("half", 1, "u", "none"),
        ] {
            assert_eq!(looked_up(&file, name, port, user), expected, "{name}");
        }
        let said = file.no_password("h:1:d:u");
        assert!(said.contains("line 3 is not HOST:PORT"), "{said}");
        assert!(said.contains("(and 1 more)"), "{said}");
        assert!(!said.contains("c4nary"), "{said}");
        assert!(!format!("{file:?}").contains("first"));
    }

    #[test]
    fn a_file_that_others_can_read_is_not_used() {
        for mode in [0o640, 0o604, 0o660] {
            let (_folder, file) = written(FILE.as_bytes(), mode);
            assert_eq!(looked_up(&file, "h", 5432, "u"), "none");
            let said = file.no_password("x");
            assert!(said.contains("was not used") && said.contains("chmod 600"));
        }
        let (_folder, file) = written(FILE.as_bytes(), 0o400);
        assert_eq!(looked_up(&file, "h", 5432, "u"), "5 first");
    }

    #[test]
    fn what_is_no_plain_file_of_a_bounded_size_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        for (path, reason) in [
            (folder.path().to_path_buf(), "not a regular file"),
            (folder.path().join("missing"), "No such file"),
            ("/dev/zero".into(), "not a regular file"),
        ] {
            let file = PasswordFile::read(&path);
            assert!(file.unusable().unwrap().contains(reason), "{file:?}");
        }
        let (_folder, file) = written(&vec![b'x'; (1 << 20) + 1], 0o600);
        assert!(file.unusable().unwrap().contains("larger"));
        let (_folder, file) = written(b"\xff:1:d:u:p\nh:1:d:u:p\n", 0o600);
        assert_eq!(looked_up(&file, "h", 1, "u"), "2 p");
    }
}
