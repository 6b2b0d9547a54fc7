//! Reads the entries for versions.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::{DeTable, DeValue};

use super::super::version::VersionEntry;
use super::super::{ObjectKey, fingerprint, key};
use super::{Lock, LockError, Reader, Value};

impl Reader<'_> {
    /// One entry. Versions ascend.
    pub(super) fn version(&self, block: &Value<'_>, lock: &mut Lock) -> Result<(), LockError> {
        let table = self.table(block)?;
        self.only(table, |name| {
            [
                "version",
                "file",
                "sum",
                "down",
                "fingerprint",
                "adds",
                "removes",
                "changes",
            ]
            .contains(&name)
        })?;
        let required = |name| self.required(table, name, &block.span());
        let number = required("version")?;
        let version = i32::try_from(self.integer(number)?)
            .ok()
            .filter(|version| *version > 0)
            .ok_or_else(|| self.error(&number.span(), "not a version"))?;
        let last = lock.versions.last().map_or(0, |entry| entry.version);
        if last >= version {
            return Err(self.error(&number.span(), "versions must ascend"));
        }
        let down = table.get("down").map(|down| self.string(down));
        let entry = VersionEntry {
            version,
            file: self.string(required("file")?)?.to_owned(),
            sum: self.string(required("sum")?)?.to_owned(),
            down: down.transpose()?.map(str::to_owned),
            fingerprints: self.fingerprints(required("fingerprint")?, &lock.majors)?,
            adds: self.keys(table, "adds")?,
            removes: self.keys(table, "removes")?,
            changes: self.keys(table, "changes")?,
        };
        lock.versions.push(entry);
        Ok(())
    }

    /// One text for all of the file's major versions, or one for each.
    fn fingerprints(
        &self,
        value: &Value<'_>,
        majors: &[u32],
    ) -> Result<BTreeMap<u32, String>, LockError> {
        let DeValue::Table(texts) = value.get_ref() else {
            let text = self.fingerprint(value)?;
            return Ok(majors.iter().map(|major| (*major, text.clone())).collect());
        };
        texts
            .iter()
            .map(|(major, text)| Ok((self.major(major, majors)?, self.fingerprint(text)?)))
            .collect()
    }

    fn fingerprint(&self, value: &Value<'_>) -> Result<String, LockError> {
        let text = self.string(value)?;
        let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if text.len() == fingerprint::DIGITS && text.chars().all(digit) {
            return Ok(text.to_owned());
        }
        Err(self.error(
            &value.span(),
            format!(
                "a fingerprint has {} hexadecimal digits in lower case",
                fingerprint::DIGITS
            ),
        ))
    }

    fn keys(&self, table: &DeTable<'_>, name: &str) -> Result<BTreeSet<ObjectKey>, LockError> {
        let Some(list) = table.get(name) else {
            return Ok(BTreeSet::new());
        };
        let mut keys = BTreeSet::new();
        for entry in self.array(list)? {
            let key = key::parse(self.string(entry)?).ok_or_else(|| {
                self.error(
                    &entry.span(),
                    "not an object: expected its kind and name, as in `table public.posts` or `column public.posts.id`",
                )
            })?;
            if !keys.insert(key) {
                return Err(self.error(&entry.span(), "this object is listed twice"));
            }
        }
        Ok(keys)
    }
}
