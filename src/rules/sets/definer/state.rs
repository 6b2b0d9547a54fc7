//! The functions of a set, followed through its files: which of them run with their owner's rights, and where their names come from.

use crate::migration::FileFacts;
use crate::migration::effects::{
    Act, Arguments, Change, Effect, Names, Path, Routine, Runs, Scope, UNKNOWN,
};

/// The functions that are known at a point of a set.
#[derive(Clone)]
pub(super) struct State<'a> {
    pub(super) known: Vec<Known<'a>>,
    /// Where names without a schema are looked for.
    search_path: Vec<String>,
    /// How often the search path was set to what the text does not tell.
    unknown: usize,
}

#[derive(Clone)]
pub(super) struct Known<'a> {
    schema: String,
    name: String,
    arguments: Option<&'a Arguments>,
    procedure: bool,
    definer: bool,
    pub(super) names: &'a Names,
    /// What made it as it is: the file's number, and the effect.
    pub(super) by: (usize, &'a Effect),
    /// The name there.
    pub(super) written: &'a Path,
}

impl Default for State<'_> {
    fn default() -> Self {
        Self {
            known: Vec::new(),
            search_path: vec!["public".to_owned()],
            unknown: 0,
        }
    }
}

impl<'a> State<'a> {
    /// Goes through the effects of a file that are wanted.
    pub(super) fn run(
        &mut self,
        file: &'a FileFacts,
        number: usize,
        wanted: impl Fn(&Effect, Runs) -> bool,
    ) {
        // Every file is run with the settings that the session had at first.
        self.search_path = vec!["public".to_owned()];
        for effect in &file.effects.effects {
            match &effect.act {
                Act::Sets {
                    parameter,
                    value,
                    scope: Scope::Session | Scope::Transaction,
                } if parameter == "search_path" => self.set_path(value),
                Act::Routine(routine) if wanted(effect, routine.runs) => {
                    self.change(routine, (number, effect));
                }
                Act::LeavesSchema { schema, new, runs } if wanted(effect, *runs) => {
                    self.leave(schema, new.as_deref(), *runs);
                }
                _ => {}
            }
        }
    }

    fn set_path(&mut self, value: &[String]) {
        let told = value.iter().filter(|schema| *schema != "$user");
        self.search_path = told.cloned().collect();
        if self.search_path.is_empty() || self.search_path.iter().any(|one| one.contains(UNKNOWN)) {
            self.unknown += 1;
            // No schema is called so: it is equal to itself alone.
            self.search_path = vec![format!("\0{}", self.unknown)];
        }
    }

    /// The schema of a name that a statement refers to.
    fn schema_of(&self, path: &Path) -> String {
        if let Some(schema) = &path.schema {
            return schema.clone();
        }
        let has = |schema: &&String| {
            self.known
                .iter()
                .any(|known| known.schema == **schema && known.name == path.name)
        };
        let holds = self.search_path.iter().find(has);
        holds
            .or(self.search_path.first())
            .cloned()
            .unwrap_or_default()
    }

    /// The indexes of the functions that a statement surely means, and of those that it may mean.
    fn meant(&self, routine: &Routine, schema: &str) -> (Option<usize>, Vec<usize>) {
        let mut perhaps = Vec::new();
        let named = || {
            self.known
                .iter()
                .enumerate()
                .filter(|(_, known)| known.schema == schema && known.name == routine.path.name)
        };
        // Without arguments the server takes the only one of that name.
        let only = named().count() == 1;
        for (index, known) in named() {
            let same = match (&routine.arguments, known.arguments) {
                (Some(given), Some(taken)) => given.same(taken, known.procedure),
                _ => only.then_some(true),
            };
            match same {
                Some(true) => return (Some(index), Vec::new()),
                Some(false) => {}
                None => perhaps.push(index),
            }
        }
        (None, perhaps)
    }

    fn change(&mut self, routine: &'a Routine, by: (usize, &'a Effect)) {
        let schema = match (&routine.change, &routine.path.schema) {
            // What is made without a schema comes into the first.
            (Change::Made { .. }, None) => self.search_path.first().cloned().unwrap_or_default(),
            _ => self.schema_of(&routine.path),
        };
        let (surely, perhaps) = self.meant(routine, &schema);
        let certain = routine.runs != Runs::Perhaps;
        match &routine.change {
            Change::Made {
                definer,
                names,
                procedure,
            } => {
                let new = Known {
                    schema,
                    name: routine.path.name.clone(),
                    arguments: routine.arguments.as_ref(),
                    procedure: *procedure,
                    definer: *definer,
                    names,
                    by,
                    written: &routine.path,
                };
                match surely.and_then(|index| self.known.get_mut(index)) {
                    Some(known) if certain || new.is_open() || !known.is_open() => *known = new,
                    Some(_) => {}
                    None => self.known.push(new),
                }
            }
            Change::Altered { definer, names } => {
                let whom = match surely {
                    Some(index) => vec![(index, certain)],
                    None => perhaps.iter().map(|index| (*index, false)).collect(),
                };
                if whom.is_empty() {
                    self.known.push(Known {
                        schema,
                        name: routine.path.name.clone(),
                        arguments: routine.arguments.as_ref(),
                        procedure: false,
                        definer: definer.unwrap_or_default(),
                        names: names.as_ref().unwrap_or(&Names::Callers),
                        by,
                        written: &routine.path,
                    });
                }
                for (index, certain) in whom {
                    if let Some(known) = self.known.get_mut(index) {
                        known.alter(*definer, names.as_ref(), by, certain);
                    }
                }
            }
            Change::Renamed(name) => {
                if let Some(known) = surely
                    .filter(|_| certain)
                    .and_then(|at| self.known.get_mut(at))
                {
                    known.name.clone_from(name);
                }
            }
            Change::Moved(schema) => {
                if let Some(known) = surely
                    .filter(|_| certain)
                    .and_then(|at| self.known.get_mut(at))
                {
                    known.schema.clone_from(schema);
                }
            }
            Change::Dropped => {
                if let Some(index) = surely.filter(|_| certain) {
                    self.known.remove(index);
                }
            }
        }
    }

    fn leave(&mut self, schema: &str, new: Option<&str>, runs: Runs) {
        if runs == Runs::Perhaps {
            return;
        }
        match new {
            None => self.known.retain(|known| known.schema != schema),
            Some(new) => {
                let there = self.known.iter_mut();
                for known in there.filter(|known| known.schema == schema) {
                    new.clone_into(&mut known.schema);
                }
            }
        }
    }
}

impl<'a> Known<'a> {
    /// Whether its caller says, or can say, where its names come from.
    pub(super) fn is_open(&self) -> bool {
        self.definer
            && match self.names {
                Names::Schemas(schemas) => {
                    schemas.last().is_none_or(|last| last != super::TEMPORARY)
                }
                Names::Callers | Names::Current => true,
            }
    }

    fn alter(
        &mut self,
        definer: Option<bool>,
        names: Option<&'a Names>,
        by: (usize, &'a Effect),
        certain: bool,
    ) {
        let mut new = self.clone();
        new.definer = definer.unwrap_or(self.definer);
        new.names = names.unwrap_or(self.names);
        let changes = new.definer != self.definer || new.names != self.names;
        // Of what may not happen only the worse counts.
        if !changes || (!certain && self.is_open() && !new.is_open()) {
            return;
        }
        new.by = by;
        *self = new;
    }
}
