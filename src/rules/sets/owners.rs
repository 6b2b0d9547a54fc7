//! Whose a name is: what every service's schema lock holds and what the texts of its set create.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::migration::effects::{Access, Act, Class};
use crate::rules::{Subject, System, skeleton};
use crate::snapshot::{Kind, Lock};

/// Kinds whose names stand for each other: a view can take a table's name, a table is a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::rules) enum Family {
    /// Relations and types.
    Relation,
    /// Functions.
    Function,
}

/// The services of a system with what is theirs.
#[derive(Debug)]
pub(in crate::rules) struct Owners<'a> {
    services: Vec<Service<'a>>,
    by_name: HashMap<(Family, &'a str), Vec<usize>>,
    by_stem: HashMap<String, Vec<(usize, &'a str)>>,
    by_schema: HashMap<String, Vec<usize>>,
    by_likeness: HashMap<u64, Vec<(usize, &'a str)>>,
}

/// What is known of one service.
#[derive(Debug)]
pub(in crate::rules) struct Service<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) lock: Option<&'a Lock>,
    /// Names in the lock, with the kind.
    locked: HashMap<(Family, &'a str), Kind>,
    /// Names that the set's texts create.
    made: HashSet<(Family, &'a str)>,
    /// The hashes of the texts that the lock was written from.
    reviewed: HashSet<&'a str>,
    stems: HashSet<String>,
    schemas: BTreeSet<String>,
}

/// A family of names for a class of objects; parts of tables and whole schemas have none.
pub(in crate::rules) const fn family(class: Class) -> Option<Family> {
    match class {
        Class::Relation | Class::Type => Some(Family::Relation),
        Class::Function => Some(Family::Function),
        Class::Part | Class::Schema | Class::Database => None,
    }
}

const fn family_of(kind: Kind) -> Option<Family> {
    match kind {
        Kind::Table
        | Kind::ForeignTable
        | Kind::View
        | Kind::MaterializedView
        | Kind::Sequence
        | Kind::Index
        | Kind::Statistics
        | Kind::Type => Some(Family::Relation),
        Kind::Function => Some(Family::Function),
        _ => None,
    }
}

impl<'a> Owners<'a> {
    /// What belongs to whom in a system.
    pub(in crate::rules) fn new(system: &'a System<'a>) -> Self {
        let mut owners = Self {
            services: system.subjects.iter().map(Service::new).collect(),
            by_name: HashMap::new(),
            by_stem: HashMap::new(),
            by_schema: HashMap::new(),
            by_likeness: HashMap::new(),
        };
        for (index, service) in owners.services.iter().enumerate() {
            for key in service.locked.keys().chain(&service.made) {
                let holders = owners.by_name.entry(*key).or_default();
                if holders.last() == Some(&index) {
                    continue;
                }
                holders.push(index);
                // An index is called after its table.
                let names_rows = service.locked.get(key) != Some(&Kind::Index);
                if key.0 == Family::Relation && names_rows {
                    let stem = owners.by_stem.entry(skeleton::stem(key.1)).or_default();
                    stem.push((index, key.1));
                }
            }
            for schema in &service.schemas {
                let holders = owners.by_schema.entry(schema.clone()).or_default();
                holders.push(index);
            }
            let files = service.subject.texts.iter().flat_map(|texts| &texts.files);
            for file in files.filter(|file| !file.down) {
                let holders = owners.by_likeness.entry(file.likeness).or_default();
                holders.push((index, &file.file));
            }
        }
        owners
    }

    /// The service of this name, with its index.
    pub(in crate::rules) fn find(&self, name: &str) -> Option<(usize, &Service<'a>)> {
        let mut services = self.services.iter().enumerate();
        services.find(|(_, service)| service.subject.service.name == name)
    }

    /// The other service that has this name, and its kind there.
    pub(in crate::rules) fn holder(
        &self,
        own: usize,
        family: Family,
        name: &str,
    ) -> Option<(&Service<'a>, &'static str)> {
        let index = self
            .by_name
            .get(&(family, name))?
            .iter()
            .find(|index| **index != own)?;
        let service = self.services.get(*index)?;
        let kind = match (service.locked.get(&(family, name)), family) {
            (Some(kind), _) => kind.as_str(),
            (None, Family::Relation) => "table",
            (None, Family::Function) => "function",
        };
        Some((service, kind))
    }

    /// The other service whose table a sequence or an index of this name comes with: `blocks_id_seq`, `blocks_pkey`.
    pub(in crate::rules) fn implied(
        &self,
        own: usize,
        name: &str,
    ) -> Option<(&Service<'a>, &'static str)> {
        let (stem, kind) = match name.strip_suffix("_seq") {
            Some(stem) => (stem, "sequence"),
            None => (name.strip_suffix("_pkey")?, "index"),
        };
        let mut cuts = stem
            .match_indices('_')
            .map(|(at, _)| at)
            .collect::<Vec<_>>();
        cuts.push(stem.len());
        let own_holds = |table: &str| {
            self.services
                .get(own)
                .is_some_and(|service| service.has(Family::Relation, table))
        };
        cuts.iter()
            .rev()
            .filter_map(|cut| stem.get(..*cut))
            .find_map(|table| {
                let holder = self.holder(own, Family::Relation, table);
                (own_holds(table) || holder.is_some()).then_some((table, holder))
            })
            .filter(|(table, _)| !own_holds(table))
            .and_then(|(_, holder)| holder)
            .map(|(service, _)| (service, kind))
    }

    /// The other service's name that this one looks like, where the service has nothing of the kind itself.
    pub(super) fn look_alike(&self, own: usize, name: &str) -> Option<(&Service<'a>, &'a str)> {
        let stem = skeleton::stem(name);
        if self.services.get(own)?.stems.contains(&stem) {
            return None;
        }
        let (index, original) = self
            .by_stem
            .get(&stem)?
            .iter()
            .find(|(index, _)| *index != own)?;
        Some((self.services.get(*index)?, original))
    }

    /// The other service that a schema belongs to, or is named after.
    pub(in crate::rules) fn schema_of(&self, own: usize, schema: &str) -> Option<&Service<'a>> {
        let holders = self.by_schema.get(schema)?;
        if holders.contains(&own) {
            return None;
        }
        self.services.get(*holders.first()?)
    }

    /// The other service that logs in as this role.
    pub(in crate::rules) fn role_of(&self, own: usize, role: &str) -> Option<&Service<'a>> {
        self.other(own, |service| service.role() == Some(role))
    }

    /// The other service whose database has this name.
    pub(in crate::rules) fn database_of(&self, own: usize, database: &str) -> Option<&Service<'a>> {
        self.other(own, |service| service.database() == database)
    }

    fn other(&self, own: usize, is: impl Fn(&Service<'a>) -> bool) -> Option<&Service<'a>> {
        let mut services = self.services.iter().enumerate();
        services
            .find(|(index, service)| *index != own && is(service))
            .map(|(_, service)| service)
    }

    /// The other service's migration that is the same text.
    pub(super) fn original(&self, own: usize, likeness: u64) -> Option<(&Service<'a>, &'a str)> {
        let (index, file) = self
            .by_likeness
            .get(&likeness)?
            .iter()
            .find(|(index, _)| *index != own)?;
        Some((self.services.get(*index)?, file))
    }

    /// Other services with a set of which nothing could be read: what is theirs is not known.
    pub(super) fn unknown(&self, own: usize) -> impl Iterator<Item = &Service<'a>> {
        self.services
            .iter()
            .enumerate()
            .filter(move |(index, service)| {
                let texts = service.subject.texts.as_ref();
                *index != own
                    && service.subject.service.set.is_some()
                    && service.lock.is_none()
                    && texts.is_none_or(|texts| texts.files.is_empty())
            })
            .map(|(_, service)| service)
    }
}

impl<'a> Service<'a> {
    fn new(subject: &'a Subject<'a>) -> Self {
        let beside = subject.texts.as_ref().and_then(|texts| texts.lock.as_ref());
        let lock = subject.lock.known().or(beside);
        let mut service = Self {
            subject,
            lock,
            locked: HashMap::new(),
            made: HashSet::new(),
            reviewed: HashSet::new(),
            stems: HashSet::new(),
            schemas: BTreeSet::new(),
        };
        service.read_lock();
        service.read_texts();
        service.name_schemas();
        service
    }

    fn read_lock(&mut self) {
        let Some(lock) = self.lock else { return };
        for key in lock.objects.keys() {
            if let Some(family) = family_of(key.kind) {
                self.locked.insert((family, key.name.as_str()), key.kind);
                if family == Family::Relation {
                    self.stems.insert(skeleton::stem(&key.name));
                }
            }
            if key.kind == Kind::Schema && key.name != "public" {
                self.schemas.insert(key.name.clone());
            }
        }
        let versions = lock.versions.iter();
        self.reviewed = versions.map(|version| version.sum.as_str()).collect();
    }

    fn read_texts(&mut self) {
        let files = self.subject.texts.iter().flat_map(|texts| &texts.files);
        for effect in files.flat_map(|file| &file.effects.effects) {
            if let Act::Names {
                class,
                access: Access::Create,
                path,
                temporary: false,
            } = &effect.act
                && let Some(family) = family(*class)
            {
                self.made.insert((family, path.name.as_str()));
            }
        }
    }

    /// A schema that is called like a service, its set, its database or its role is meant to be its.
    fn name_schemas(&mut self) {
        let service = &self.subject.service;
        let set = service.set.as_ref().map(|set| set.value.as_str());
        let names = [
            Some(service.name.as_str()),
            set,
            Some(self.database()),
            self.role(),
        ];
        let names: Vec<String> = names
            .into_iter()
            .flatten()
            .filter(|name| !name.is_empty() && *name != "public")
            .flat_map(|name| [name.to_owned(), name.replace('-', "_")])
            .collect();
        self.schemas.extend(names);
    }

    pub(in crate::rules) fn name(&self) -> &'a str {
        &self.subject.service.name
    }

    pub(in crate::rules) fn role(&self) -> Option<&'a str> {
        self.subject.service.role_name()
    }

    pub(in crate::rules) fn database(&self) -> &'a str {
        self.subject.service.database_name()
    }

    /// Whether the lock or a text of the set has this name.
    pub(in crate::rules) fn has(&self, family: Family, name: &str) -> bool {
        self.locks(family, name) || self.made.contains(&(family, name))
    }

    /// Whether the lock has this name.
    pub(super) fn locks(&self, family: Family, name: &str) -> bool {
        self.locked.contains_key(&(family, name))
    }

    /// Whether the lock was written from a file of this text: what it creates was reviewed.
    pub(super) fn has_reviewed(&self, sum: &str) -> bool {
        self.reviewed.contains(sum)
    }
}
