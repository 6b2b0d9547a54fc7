//! Reads a lock file, strictly: whatever is not understood is an error with its line.

mod versions;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::attributes::{is_deparsed, of};
use super::{Attributes, HYPERTABLE, Kind, Lock, LockError, ObjectKey, PARTS, Text, VERSION};

/// A value of the file.
type Value<'i> = Spanned<DeValue<'i>>;

impl Lock {
    /// Reads a lock file; `file` is its name in errors.
    ///
    /// # Errors
    /// When it is not TOML, or anything in it is unknown, missing, doubled or of the wrong type: names file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, LockError> {
        // A checkout may have turned line ends; a carriage return of the schema's own is written as an escape.
        let text = text.replace("\r\n", "\n");
        Reader { file, text: &text }.lock()
    }
}

/// A file that is being read.
struct Reader<'r> {
    file: &'r str,
    text: &'r str,
}

impl Reader<'_> {
    fn error(&self, at: &Range<usize>, what: impl std::fmt::Display) -> LockError {
        let before = self.text.bytes().take(at.start);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        LockError(format!("{}:{line}: {what}", self.file))
    }

    /// Git's mark at the beginning of a line, if a merge has left one. Asked of what is no TOML: a text of the schema's own may hold such a line.
    fn conflict(&self) -> Option<Range<usize>> {
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
                return Some(start..start + line.len());
            }
            start += line.len();
        }
        None
    }

    fn lock(&self) -> Result<Lock, LockError> {
        let document = DeTable::parse(self.text).map_err(|error| match self.conflict() {
            Some(at) => self.error(
                &at,
                "the file holds a merge conflict; see that no two files of the set have one version, and `dbctl lock` writes it again",
            ),
            None => self.error(&error.span().unwrap_or_default(), error.message()),
        })?;
        let root = document.get_ref();
        let whole = 0..0;
        // The version comes first: another one may have other keys.
        let version = self.required(root, "version", &whole)?;
        if self.integer(version)? != VERSION {
            return Err(self.error(
                &version.span(),
                format!("this dbctl reads version {VERSION} of the lock file's format; `dbctl lock` writes the file again"),
            ));
        }
        self.only(root, |key| {
            [
                "version",
                "set",
                "sum",
                "source",
                "majors",
                "objects",
                "migration",
                "object",
            ]
            .contains(&key)
        })?;
        let majors = self.required(root, "majors", &whole)?;
        let mut lock = Lock {
            set: self.string(self.required(root, "set", &whole)?)?.to_owned(),
            sum: self.string(self.required(root, "sum", &whole)?)?.to_owned(),
            source: match root.get("source") {
                Some(source) => Some(self.string(source)?.to_owned()),
                None => None,
            },
            majors: Vec::new(),
            versions: Vec::new(),
            objects: BTreeMap::new(),
        };
        for major in self.array(majors)? {
            let number = u32::try_from(self.integer(major)?)
                .map_err(|_| self.error(&major.span(), "not a major version"))?;
            if lock.majors.last().is_some_and(|last| *last >= number) {
                return Err(self.error(&major.span(), "major versions must ascend"));
            }
            lock.majors.push(number);
        }
        if let Some(entries) = root.get("migration") {
            for entry in self.array(entries)? {
                self.version(entry, &mut lock)?;
            }
        }
        if let Some(objects) = root.get("object") {
            for object in self.array(objects)? {
                self.object(object, &mut lock)?;
            }
        }
        // A file that was cut off between two blocks is still TOML.
        let count = self.required(root, "objects", &whole)?;
        if u64::try_from(self.integer(count)?).ok() != u64::try_from(lock.objects.len()).ok() {
            return Err(self.error(
                &count.span(),
                format!(
                    "the file holds {} objects, not as many as it says: it was cut off or edited; `dbctl lock` writes it again",
                    lock.objects.len()
                ),
            ));
        }
        Ok(lock)
    }

    /// One block: an object and its parts.
    fn object(&self, block: &Value<'_>, lock: &mut Lock) -> Result<(), LockError> {
        let table = self.table(block)?;
        let kind = self.required(table, "kind", &block.span())?;
        let kind = Kind::from_name(self.string(kind)?)
            .ok_or_else(|| self.error(&kind.span(), "no kind of object has this name"))?;
        let optional = |name: &str| match table.get(name) {
            Some(value) => self.string(value).map(str::to_owned),
            None => Ok(String::new()),
        };
        let key = ObjectKey {
            schema: optional("schema")?,
            parent: optional("parent")?,
            kind,
            name: self
                .string(self.required(table, "name", &block.span())?)?
                .to_owned(),
            arguments: optional("arguments")?,
        };
        let in_block = |name: &str| {
            ["kind", "schema", "parent", "name", "arguments"].contains(&name)
                || kind.is_relation()
                    && (name == HYPERTABLE || PARTS.iter().any(|(list, _)| *list == name))
        };
        self.only(table, |name| in_block(name) || of(kind).contains(&name))?;
        let attributes = self.attributes(kind, table, &lock.majors)?;
        let part = |kind, name: &str| ObjectKey {
            schema: key.schema.clone(),
            parent: key.name.clone(),
            kind,
            name: name.to_owned(),
            arguments: String::new(),
        };
        if kind.is_relation() {
            for (list, kind) in PARTS {
                let Some(entries) = table.get(list) else {
                    continue;
                };
                for entry in self.array(entries)? {
                    let fields = self.table(entry)?;
                    self.only(fields, |name| name == "name" || of(kind).contains(&name))?;
                    let name = self.string(self.required(fields, "name", &entry.span())?)?;
                    let attributes = self.attributes(kind, fields, &lock.majors)?;
                    self.insert(lock, part(kind, name), attributes, entry)?;
                }
            }
            if let Some(entry) = table.get(HYPERTABLE) {
                let fields = self.table(entry)?;
                self.only(fields, |name| of(Kind::Hypertable).contains(&name))?;
                let attributes = self.attributes(Kind::Hypertable, fields, &lock.majors)?;
                self.insert(lock, part(Kind::Hypertable, &key.name), attributes, entry)?;
            }
        }
        self.insert(lock, key, attributes, block)
    }

    fn insert(
        &self,
        lock: &mut Lock,
        key: ObjectKey,
        attributes: Attributes,
        at: &Value<'_>,
    ) -> Result<(), LockError> {
        let what = key.described();
        match lock.objects.insert(key, attributes) {
            None => Ok(()),
            Some(_) => Err(self.error(&at.span(), format!("{what} is there twice"))),
        }
    }

    /// The attributes that an object of this kind may have.
    fn attributes(
        &self,
        kind: Kind,
        table: &DeTable<'_>,
        majors: &[u32],
    ) -> Result<Attributes, LockError> {
        let mut attributes = BTreeMap::new();
        for name in of(kind) {
            if let Some(value) = table.get(*name) {
                let text = match value.get_ref() {
                    DeValue::Table(texts) if is_deparsed(kind, name) => {
                        self.by_major(texts, majors)?
                    }
                    _ => Text::Same(self.string(value)?.to_owned()),
                };
                attributes.insert((*name).to_owned(), text);
            }
        }
        Ok(attributes)
    }

    fn by_major(&self, texts: &DeTable<'_>, majors: &[u32]) -> Result<Text, LockError> {
        let mut variants = BTreeMap::new();
        for (major, text) in texts {
            variants.insert(self.major(major, majors)?, self.string(text)?.to_owned());
        }
        Ok(Text::ByMajor(variants))
    }

    /// A key that is one of the file's major versions.
    fn major(&self, key: &Spanned<Cow<'_, str>>, majors: &[u32]) -> Result<u32, LockError> {
        let number = key.get_ref().parse().ok();
        number
            .filter(|number| majors.contains(number))
            .ok_or_else(|| self.error(&key.span(), "not one of the file's major versions"))
    }

    /// Refuses keys that are not known.
    fn only(&self, table: &DeTable<'_>, known: impl Fn(&str) -> bool) -> Result<(), LockError> {
        match table.keys().find(|key| !known(key.get_ref())) {
            None => Ok(()),
            Some(key) => {
                let name = key.get_ref().escape_debug();
                Err(self.error(&key.span(), format!("unknown key {name}")))
            }
        }
    }

    fn required<'t, 'i>(
        &self,
        table: &'t DeTable<'i>,
        name: &str,
        at: &Range<usize>,
    ) -> Result<&'t Value<'i>, LockError> {
        table
            .get(name)
            .ok_or_else(|| self.error(at, format!("no {name} is given")))
    }

    fn string<'t>(&self, value: &'t Value<'_>) -> Result<&'t str, LockError> {
        let text = value.get_ref().as_str();
        text.ok_or_else(|| self.error(&value.span(), "this must be a text"))
    }

    fn integer(&self, value: &Value<'_>) -> Result<i64, LockError> {
        let number = value.get_ref().as_integer();
        number
            .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok())
            .ok_or_else(|| self.error(&value.span(), "this must be a whole number"))
    }

    fn array<'t, 'i>(
        &self,
        value: &'t Value<'i>,
    ) -> Result<impl Iterator<Item = &'t Value<'i>>, LockError> {
        let array = value.get_ref().as_array();
        array
            .map(|array| array.iter())
            .ok_or_else(|| self.error(&value.span(), "this must be a list"))
    }

    fn table<'t, 'i>(&self, value: &'t Value<'i>) -> Result<&'t DeTable<'i>, LockError> {
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.error(&value.span(), "this must be a table"))
    }
}
