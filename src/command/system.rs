//! The manifest with its sets and locks loaded: what every verb begins with.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::manifest::{Managed, Manifest, Service, Source, Store, Target};
#[cfg(feature = "cli")]
use crate::migration::SetFacts;
use crate::migration::guard::{Party, Way};
use crate::migration::{Set, SetError};
use crate::snapshot::{DeferredLock, Fact, Gap, Lock, LockSource};

/// What to do about a schema lock that is missing or wrong.
fn lock_advice(service: &str) -> String {
    format!("run dbctl lock --service {service} to write it, review it and check it in")
}

/// A service with its set and lock.
#[derive(Debug)]
pub struct LoadedService<'a> {
    /// The service.
    pub service: &'a Service,
    /// Its set; `None` when it has none.
    pub set: Option<Result<Set, SetError>>,
    /// Its schema lock, or why there is none.
    pub lock: DeferredLock,
}

impl<'a> LoadedService<'a> {
    fn new(service: &'a Service) -> Self {
        let set = service.set.as_ref().map(|name| match &service.set_dir {
            Some(directory) => Set::on_disk(&name.value, directory),
            None => Set::built_in(&name.value).unwrap_or_else(|| {
                Err(SetError {
                    set: name.value.clone(),
                    problems: vec!["it is neither a folder nor built in".to_owned()],
                })
            }),
        });
        let lock = match &service.lock_file {
            Some(path) => recorded(&service.name, path.clone()),
            None => lock(&service.name, set.as_ref()),
        };
        Self { service, set, lock }
    }

    /// The set, when it is there and right.
    #[must_use]
    pub fn good_set(&self) -> Option<&Set> {
        self.set.as_ref().and_then(|set| set.as_ref().ok())
    }

    /// Whether set and lock are part of dbctl itself, so that neither can be wrong: its tests read them.
    fn is_built_in(&self) -> bool {
        self.good_set().is_some_and(|set| set.directory.is_none())
    }

    /// What is wrong with the lock file of a good set; one that is missing is not wrong.
    #[must_use]
    pub fn bad_lock(&self) -> Option<String> {
        self.good_set()?.lock.as_ref()?;
        if self.is_built_in() {
            return None;
        }
        self.lock
            .get()
            .err()
            .map(|gap| format!("{}; {}", gap.reason, lock_advice(&self.service.name)))
    }

    /// The service as the guard of migrations knows it.
    #[must_use]
    pub fn party(&self) -> Party<'_> {
        Party {
            service: &self.service.name,
            database: self.service.database_name(),
            role: self.service.role_name(),
            set: self.good_set(),
            lock: LockSource::Deferred(&self.lock),
            way: self.way(),
        }
    }

    fn way(&self) -> Way<'_> {
        let Target::Database(endpoint) = &self.service.target else {
            return Way::default();
        };
        Way {
            user: Some(&endpoint.value.user),
            database: Some(&endpoint.value.database),
            variable: match &endpoint.source {
                Source::Env(name) | Source::DotEnv(name) => Some(name),
                _ => None,
            },
        }
    }

    /// Whether dbctl migrates it: an SQL store that the service does not keep by itself.
    #[must_use]
    pub fn is_migrated(&self) -> bool {
        self.service.store != Store::Files && self.service.managed == Managed::Dbctl
    }
}

/// The lock that was recorded from the database of a service that migrates itself.
fn recorded(service: &str, path: PathBuf) -> DeferredLock {
    let service = service.to_owned();
    DeferredLock::new(move || {
        let shown = path.display().to_string();
        let gap = |reason: String| {
            Fact::Unknown(Gap {
                reason,
                remedy: Some(format!(
                    "run dbctl lock --from {service}, review the file and check it in"
                )),
            })
        };
        match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => gap(format!(
                "service {service} migrates itself and has no schema lock: there is no file {shown}"
            )),
            Err(error) => gap(format!("{shown} cannot be read: {error}")),
            Ok(text) => match Lock::parse(&shown, &text) {
                Ok(lock) if lock.set != service => gap(format!(
                    "{shown} is the lock of {}, not of service {service}",
                    lock.set
                )),
                Ok(lock) => Fact::Known(lock),
                Err(error) => gap(error.to_string()),
            },
        }
    })
}

fn no_lock(reason: String, advice: &str) -> Fact<Lock> {
    Fact::Unknown(Gap {
        reason,
        remedy: Some(advice.to_owned()),
    })
}

fn lock(service: &str, set: Option<&Result<Set, SetError>>) -> DeferredLock {
    let advice = lock_advice(service);
    let gap = move |reason: String| no_lock(reason, &advice);
    let missing = match set {
        None => format!("service {service} has no migration set"),
        Some(Err(error)) => {
            let unread = no_lock(error.to_string(), "mend the set; its lock may be right");
            return DeferredLock::new(move || unread);
        }
        Some(Ok(set)) => match &set.lock {
            None => format!("set {} has no schema lock", set.name),
            Some(text) => {
                let (name, path, text) = (set.name.clone(), set.lock_path(), text.clone());
                return DeferredLock::new(move || match Lock::parse(&path, &text) {
                    Ok(lock) if lock.set != name => gap(format!(
                        "{path} is the lock of set {}, not of {name}",
                        lock.set
                    )),
                    Ok(lock) => Fact::Known(lock),
                    Err(error) => gap(error.to_string()),
                });
            }
        },
    };
    DeferredLock::new(move || gap(missing))
}

/// Every service of the manifest, loaded, and which of them were chosen.
#[derive(Debug)]
pub struct Loaded<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// Every service, in the manifest's order.
    pub services: Vec<LoadedService<'a>>,
    /// The names of the chosen ones.
    pub chosen: Vec<&'a str>,
}

impl<'a> Loaded<'a> {
    /// Loads sets and locks of all services; `chosen` are those that the verb is about.
    #[must_use]
    pub fn new(manifest: &'a Manifest, chosen: &[&'a Service]) -> Self {
        let chosen: Vec<&str> = chosen.iter().map(|service| service.name.as_str()).collect();
        let load = |service| {
            let loaded = LoadedService::new(service);
            // Of the others, and where a lock cannot be wrong, it is needed only where something is to be told apart from theirs.
            if chosen.contains(&loaded.service.name.as_str()) && !loaded.is_built_in() {
                loaded.lock.read();
            }
            loaded
        };
        let services = on_all_cores(&manifest.services, load);
        Self {
            manifest,
            services,
            chosen,
        }
    }

    /// The chosen services.
    pub fn chosen(&self) -> impl Iterator<Item = &LoadedService<'a>> {
        self.services
            .iter()
            .filter(|loaded| self.chosen.contains(&loaded.service.name.as_str()))
    }

    /// What is said of a version that none of the chosen sets has.
    #[must_use]
    pub fn unknown_version(&self, version: i32) -> Option<String> {
        let sets: Vec<&Set> = self.chosen().filter_map(LoadedService::good_set).collect();
        let mut migrations = sets.iter().flat_map(|set| &set.migrations);
        if sets.is_empty() || migrations.any(|migration| migration.version == version) {
            return None;
        }
        let newest = |set: &&Set| {
            let newest = set.migrations.last().map_or(0, |last| last.version);
            format!("{newest} in set {}", set.name)
        };
        let newest: Vec<String> = sets.iter().map(newest).collect();
        Some(format!(
            "there is no version {version}: the newest is {}",
            newest.join(", ")
        ))
    }

    /// The other services as the guard of migrations knows them.
    #[must_use]
    pub fn others(&self, own: &str) -> Vec<Party<'_>> {
        self.services
            .iter()
            .filter(|loaded| loaded.service.name != own)
            .map(LoadedService::party)
            .collect()
    }
}

/// Reads the schema locks of all services: for a verb that needs each of them.
#[cfg(feature = "cli")]
pub(super) fn read_locks(loaded: &Loaded<'_>) {
    on_all_cores(&loaded.services, |service| service.lock.read());
}

/// What the files of every service's set do; nothing where there is no set.
#[cfg(feature = "cli")]
pub(super) fn texts(loaded: &Loaded<'_>) -> Vec<Option<SetFacts>> {
    on_all_cores(&loaded.services, |service| {
        let set = service.set.as_ref()?;
        Some(SetFacts::new(set, service.service.set_dir.as_deref()))
    })
}

/// Does the same with each, on as many threads as there are cores: reading sets is work, while everything after it waits for servers.
fn on_all_cores<'a, T: Sync, R: Send>(all: &'a [T], work: impl Fn(&'a T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    // Whoever is done takes the next: a set may be a hundred times another's size.
    let take = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(number) else {
                return done;
            };
            done.push((number, work(one)));
        }
    };
    let mut results: Vec<Option<R>> = all.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..cores.min(all.len()))
            .map(|_| scope.spawn(take))
            .collect();
        let own = take();
        let others = threads.into_iter().filter_map(|thread| thread.join().ok());
        for (number, result) in others.flatten().chain(own) {
            if let Some(place) = results.get_mut(number) {
                *place = Some(result);
            }
        }
    });
    // Only a panic leaves one out; here it happens again and is seen.
    let results = results.into_iter().zip(all);
    results
        .map(|(result, one)| result.unwrap_or_else(|| work(one)))
        .collect()
}

/// Becomes true when the run is interrupted.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// An interrupt that this sender raises.
    #[must_use]
    pub const fn new(receiver: watch::Receiver<bool>) -> Self {
        Self(receiver)
    }

    /// The same for layers that do not know commands.
    #[must_use]
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }

    /// Whether the run is interrupted.
    #[must_use]
    pub fn raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is interrupted; for ever, when nobody can interrupt it any more.
    pub async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|raised| *raised).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
