//! What `provision` did.

use crate::exit::Exit;

/// The whole run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whether it was only looked at what would be done.
    pub dry_run: bool,
    /// Each service, in the manifest's order.
    pub services: Vec<ServiceSteps>,
}

impl Report {
    /// The exit code: the worst of the services.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::worst_of(self.services.iter().map(|service| service.exit))
    }
}

/// One service's steps.
#[derive(Debug, Clone)]
pub struct ServiceSteps {
    /// The service.
    pub name: String,
    /// The server that was provisioned, or the reason why none was.
    pub address: Option<String>,
    /// What was looked at, in order.
    pub steps: Vec<Step>,
    /// What ended it early.
    pub error: Option<String>,
    /// Its share of the exit code.
    pub exit: Exit,
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it is about.
    pub what: String,
    /// What was done or would be, or that it was already so.
    pub done: String,
    /// Whether anything was changed, or would be.
    pub changed: bool,
    /// Whether it is not as it should be and was left so.
    pub warning: bool,
}
